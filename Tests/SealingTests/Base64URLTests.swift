import Base64URL
import Foundation
import Testing

@Suite struct Base64URLTests {
    @Test(arguments: 0...70)
    func `every length is written as Foundation would, and read back`(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
        let text = Base64URL.encode(bytes)
        let other = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        #expect(text == other.replacing("=", with: ""))
        #expect(Base64URL.decode(text.utf8) == bytes)
    }

    @Test(arguments: ["A", "AAAAA", "AA==", "A+AA", "A/AA", "AA A", "AA\n", "AB", "AAB", "é"])
    func `what is not written so is not read`(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }
}
