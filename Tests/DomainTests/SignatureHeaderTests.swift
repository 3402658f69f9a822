import Foundation
import Testing

@testable import Domain

/// The header `slipway-signature`.
@Suite struct SignatureHeaderTests {
    private static let code = Data((0..<32).map { UInt8(truncatingIfNeeded: $0 * 37 + 5) }).base64EncodedString()

    @Test func `a signature is read as it is written`() throws {
        let signature = try #require(MessageSignature("v1:12:\(Self.code)"))
        #expect(signature.keyID == 12)
        #expect(withUnsafeBytes(of: signature.code) { Data($0).base64EncodedString() } == Self.code)
    }

    @Test(arguments: [
        "", "v1:", "v1::\(code)", "v2:12:\(code)", "v1:0:\(code)", "v1:-1:\(code)", "v1:1x:\(code)",
        "v1:2147483648:\(code)", "v1:12\(code)", "v1:12:\(code.dropLast())",
        "v1:12:\(code.dropLast())A", "v1:12:\(code.dropLast(2))1=",
        "v1:12:*\(code.dropFirst())", ":\(code)", "v1:\(code)",
        "v1:12:\(code.dropFirst())", "v1:12: \(code.dropFirst())",
    ])
    func `anything else is none`(text: String) {
        #expect(MessageSignature(text) == nil)
    }
}
