import Foundation
import Sealing
import Testing

/// Whatever prints a value shows nothing of a secret.
@Suite struct RedactionTests {
    private struct Request {
        let name = "database"
        let secret: SecretBytes
        let optional: SecretBytes?
        let field: SealedField
    }

    private func printed(_ value: Any) -> String {
        var text = "\(value)|\(String(describing: value))|\(String(reflecting: value))|"
        dump(value, to: &text)
        return text
    }

    /// The ways in which bytes could be seen in a text.
    private func forms(_ bytes: [UInt8]) -> [String] {
        [
            String(decoding: bytes, as: UTF8.self), Data(bytes).base64EncodedString(),
            bytes.map { String(format: "%02x", $0) }.joined(), bytes.map(String.init).joined(separator: ", "),
            "- \(bytes[0])\n",
        ]
    }

    @Test func `a secret is not printed, also inside of other values`() throws {
        let password = "correct horse battery"
        let secret = SecretBytes(utf8: password)
        let keys = try SealingKeys.make([SecretBytes([UInt8](repeating: 9, count: 32))], of: .fleet)
        let field = try keys.publicKey.seal(secret, for: Binding("a"))
        let values: [Any] = [
            secret, [secret], ["a": secret], Request(secret: secret, optional: secret, field: field),
            Optional(secret) as Any,
        ]
        for value in values {
            let text = printed(value)
            for form in forms(Array(password.utf8)) { #expect(!text.contains(form)) }
            #expect(text.contains("<secret>"))
        }
        #expect(!printed(field).contains(field.text.suffix(20)))
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test func `keys are not printed`() throws {
        let folder = try Folder()
        let bytes = Array("0123456789abcdefghijklmnopqrstuv".utf8)
        let line = "k1 \(Data(bytes).base64EncodedString())\n"
        try Data(line.utf8).write(to: folder.url.appending(path: "ring"))
        try folder.setMode(0o600, of: "ring")
        let ring = try KeyRing.load(folder.path("ring"))
        let keys = try SealingKeys.make([SecretBytes(bytes)], of: .fleet)
        for text in [printed(ring), printed(keys), printed([ring]), printed(["keys": keys])] {
            for form in forms(bytes) { #expect(!text.contains(form)) }
        }
        #expect(printed(ring).contains("k1"))
        #expect(printed(keys).contains(keys.publicKey.keyID))
    }

    @Test func `errors hold nothing of what was opened`() throws {
        let keys = try SealingKeys.make([SecretBytes([UInt8](repeating: 9, count: 32))], of: .fleet)
        let field = try keys.publicKey.seal(SecretBytes(utf8: "correct horse"), for: Binding("a"))
        let error = #expect(throws: SealingError.self) { try keys.open(field, for: Binding("b")) }
        let text = try printed(#require(error))
        #expect(!text.contains("correct"))
        #expect(!text.contains(field.text.suffix(20)))
    }
}
