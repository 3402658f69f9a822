import Crypto
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

    @Test(arguments: [0, 1, 55, 56, 63, 64, 65, 1000])
    func `a signature is the HMAC of what is signed`(bytes: Int) throws {
        let secret = SymmetricKey(size: .bits256)
        let key = try #require(SigningKey(base64: secret.withUnsafeBytes { Data($0).base64EncodedString() }))
        let value = [UInt8](repeating: 7, count: bytes)
        let parts = value.withUnsafeBytes { value in
            SignedParts(
                .toAgent,
                topic: "t",
                key: String(repeating: "k", count: bytes),
                type: "a",
                source: "b",
                id: "c",
                subject: nil,
                time: nil,
                epoch: 1,
                sequence: 2,
                value: value
            )
        }
        let code = HMAC<SHA256>.authenticationCode(for: parts.bytes, using: secret)
        #expect(key.sign(parts, keyID: 3) == "v1:3:\(Data(code).base64EncodedString())")
        #expect(key.verifies(try #require(MessageSignature(key.sign(parts, keyID: 3))), of: parts))
    }
}
