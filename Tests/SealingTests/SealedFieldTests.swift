import Base64URL
import Crypto
import Foundation
import Sealing
import Testing

@Suite struct SealedFieldTests {
    let folder: Folder
    let fleet: SealingKeys
    let password = SecretBytes(utf8: "correct horse")
    let place = Binding("shop", "staging", "database", "password")

    init() throws {
        folder = try Folder()
        try SealingKeys.addKey(to: folder.path("fleet"))
        fleet = try SealingKeys.load(folder.path("fleet"), of: .fleet)
    }

    /// What a sender does, who has only the published text of the key.
    private func sealed(_ secret: SecretBytes) throws -> String {
        try SealingPublicKey.parse(fleet.publicKey.text, of: .fleet).seal(secret, for: place).text
    }

    @Test(arguments: ["", "x", "correct horse", "日本語", String(repeating: "long ", count: 20_000)])
    func `what is sealed opens for its recipient`(text: String) throws {
        let sealed = try sealed(SecretBytes(utf8: text))
        #expect(sealed.hasPrefix("sealed:v1:\(fleet.publicKey.keyID):"))
        #expect(SealedField.isSealed(sealed))
        #expect(try fleet.open(SealedField.parse(sealed), for: place).text() == text)
    }

    @Test func `the text form is HPKE as RFC 9180 has it, so that others can make it`() throws {
        let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .chaChaPoly)
        let raw = try #require(Base64URL.decode(fleet.publicKey.text.utf8))
        let key = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: raw)
        let id = SHA256.hash(data: raw).prefix(8).map { String(format: "%02x", $0) }.joined()
        var sender = try HPKE.Sender(
            recipientKey: key,
            ciphersuite: suite,
            info: Data("slipway sealed v1 fleet \(id)".utf8)
        )
        let binding = [0, 0, 0, 1, UInt8(ascii: "a"), 0, 0, 0, 2, UInt8(ascii: "b"), UInt8(ascii: "c")]
        let ciphertext = try sender.seal(Data("hello".utf8), authenticating: Data(binding))
        let text = "sealed:v1:\(id):\(Base64URL.encode(sender.encapsulatedKey + ciphertext))"
        #expect(try fleet.open(SealedField.parse(text), for: Binding("a", "bc")).text() == "hello")
    }

    @Test(arguments: [Binding("shop", "production", "database", "password"), Binding("shop", "staging"), Binding()])
    func `a field that was moved to another place does not open`(other: Binding) throws {
        let field = try SealedField.parse(try sealed(password))
        let error = #expect(throws: SealingError.self) { try fleet.open(field, for: other) }
        #expect(error?.code == .doesNotOpen)
    }

    @Test func `a field for another key says which key would be right`() throws {
        try SealingKeys.addKey(to: folder.path("other"))
        let other = try SealingKeys.load(folder.path("other"), of: .fleet)
        let field = try SealedField.parse(try sealed(password))
        let error = #expect(throws: SealingError.self) { try other.open(field, for: place) }
        #expect(error?.code == .unknownKey)
        #expect(error?.sentence.contains(other.publicKey.keyID) == true)
        // Under the name of a key that is known, it is the ciphertext that does not open.
        let forged = field.text.replacing(fleet.publicKey.keyID, with: other.publicKey.keyID)
        let second = #expect(throws: SealingError.self) { try other.open(SealedField.parse(forged), for: place) }
        #expect(second?.code == .doesNotOpen)
    }

    @Test func `no byte of a field can be changed`() throws {
        let text = try sealed(password)
        let head = "sealed:v1:\(fleet.publicKey.keyID):"
        let bytes = try #require(Base64URL.decode(text.dropFirst(head.count).utf8))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 4
            let field = try SealedField.parse(head + Base64URL.encode(changed))
            #expect(throws: SealingError.self, "byte \(index)") { try fleet.open(field, for: place) }
        }
    }

    @Test func `a newer key is published, and older ones open what is under way`() throws {
        let before = try SealedField.parse(try sealed(password))
        try SealingKeys.addKey(to: folder.path("fleet"))
        let rotated = try SealingKeys.load(folder.path("fleet"), of: .fleet)
        #expect(rotated.publicKey.keyID != fleet.publicKey.keyID)
        #expect(rotated.keyIDs.count == 2)
        #expect(try rotated.open(before, for: place) == password)
    }

    @Test func `what is sealed to a key that was added since opens for who has loaded the file before`() throws {
        try SealingKeys.addKey(to: folder.path("fleet"))
        let newest = try SealingKeys.load(folder.path("fleet"), of: .fleet).publicKey
        let field = try newest.seal(password, for: place)
        #expect(try fleet.open(field, for: place) == password)
        #expect(!fleet.keyIDs.contains(newest.keyID))
    }

    @Test func `a cluster opens what is for it and nothing that is for another or for the fleet`() throws {
        let secret = SecretBytes([UInt8](repeating: 7, count: 32))
        let here = try SealingKeys.make([secret], of: .cluster("eu-1"))
        let field = try here.publicKey.seal(password, for: place)
        #expect(try here.open(field, for: place) == password)
        for other in [SealingRecipient.cluster("eu-2"), .fleet] {
            let keys = try SealingKeys.make([secret], of: other)
            let error = #expect(throws: SealingError.self) { try keys.open(field, for: place) }
            #expect(error?.code == .doesNotOpen)
        }
    }

    @Test(arguments: [
        ("hunter2", SealingError.Code.notSealed), ("", .notSealed), ("Sealed:v1:a:b", .notSealed),
        ("sealed:v2:a:b", .malformed), ("sealed:v1:", .malformed), ("sealed:v1:abc", .malformed),
        ("sealed:v1:abc:hunter2", .malformed), ("sealed:v1:ABC:\(long)", .malformed),
        ("sealed:v1:a:\(long):", .malformed),
        ("sealed:v1:a:\(long)=", .malformed), ("sealed:v1:a b:\(long)", .malformed), ("sealed:v1::\(long)", .malformed),
    ])
    func `what is not sealed is refused, and not repeated`(text: String, code: SealingError.Code) {
        let error = #expect(throws: SealingError.self) { try SealedField.parse(text) }
        #expect(error?.code == code)
        #expect(error.map { "\($0)".contains("hunter2") } == false)
    }

    @Test(arguments: ["", "AAAA", "\(long)", "not base64url!"])
    func `what is no public key is refused`(text: String) {
        let error = #expect(throws: SealingError.self) { try SealingPublicKey.parse(text, of: .fleet) }
        #expect(error?.code == .notAKey)
    }

    @Test(arguments: [0, 1] as [UInt8])
    func `a public key to which everybody could read is refused`(first: UInt8) {
        let weak = Base64URL.encode([first] + [UInt8](repeating: 0, count: 31))
        let error = #expect(throws: SealingError.self) { try SealingPublicKey.parse(weak, of: .fleet) }
        #expect(error?.code == .notAKey)
    }

    @Test func `a key whose line was damaged is refused`() throws {
        let file = folder.url.appending(path: "fleet")
        let text = try String(contentsOf: file, encoding: .utf8)
        let id = fleet.publicKey.keyID
        try Data(text.replacing(id, with: String(id.reversed()) + "0").utf8).write(to: file)
        try folder.setMode(0o600, of: "fleet")
        let error = #expect(throws: SealingError.self) { try SealingKeys.load(file.path, of: .fleet) }
        #expect(error?.code == .keyFile)
    }
}

private let long = Base64URL.encode([UInt8](repeating: 1, count: 60))
