import Foundation
import KeyFile
import Sealing
import Testing

@Suite struct KeyRingTests {
    let folder: Folder
    let path: String
    let password = SecretBytes(utf8: "correct horse")
    let place = Binding("shop", "staging", "database", "password")

    init() throws {
        folder = try Folder()
        path = folder.path("ring")
        try KeyRing.addKey(named: "k1", to: path)
    }

    @Test(arguments: [0, 1, 31, 32, 70_000])
    func `what is encrypted is decrypted again`(count: Int) throws {
        let ring = try KeyRing.load(path)
        let secret = SecretBytes((0..<count).map { UInt8(truncatingIfNeeded: $0) })
        let ciphertext = try ring.encrypt(secret, for: place)
        #expect(try ring.decrypt(ciphertext, for: place) == secret)
        #expect(ciphertext.count == 2 + 2 + 12 + count + 16)
    }

    @Test func `the same value never looks the same twice`() throws {
        let ring = try KeyRing.load(path)
        #expect(try ring.encrypt(password, for: place) != ring.encrypt(password, for: place))
    }

    @Test(arguments: [
        Binding("shop", "production", "database", "password"), Binding("shop/staging", "database", "password"),
        Binding("shop", "staging", "database"), Binding("shop", "staging", "databasep", "assword"), Binding(),
    ])
    func `a value that was moved to another place does not open`(other: Binding) throws {
        let ring = try KeyRing.load(path)
        let ciphertext = try ring.encrypt(password, for: place)
        let error = #expect(throws: SealingError.self) { try ring.decrypt(ciphertext, for: other) }
        #expect(error?.code == .doesNotOpen)
    }

    @Test func `no bit of a ciphertext can be changed`() throws {
        let ring = try KeyRing.load(path)
        let ciphertext = try ring.encrypt(password, for: place)
        for index in ciphertext.indices {
            var changed = ciphertext
            changed[index] ^= 1
            #expect(throws: SealingError.self, "byte \(index)") { try ring.decrypt(changed, for: place) }
        }
        for count in ciphertext.indices {
            #expect(throws: SealingError.self) { try ring.decrypt(Array(ciphertext.prefix(count)), for: place) }
        }
        #expect(throws: SealingError.self) { try ring.decrypt(ciphertext + [0], for: place) }
    }

    @Test func `a key is rotated by adding one: the new one encrypts, both decrypt, the old one's values are found`()
        throws
    {
        let old = try KeyRing.load(path)
        let before = try old.encrypt(password, for: place)
        #expect(try !old.needsRotation(before))
        try KeyRing.addKey(named: "k2", to: path)
        let new = try KeyRing.load(path)
        #expect(new.newestKeyID == "k2")
        #expect(new.keyIDs == ["k1", "k2"])
        #expect(try new.decrypt(before, for: place) == password)
        #expect(try new.needsRotation(before))
        let after = try new.encrypt(password, for: place)
        #expect(try !new.needsRotation(after))
        #expect(try KeyRing.keyID(of: after) == "k2")
    }

    @Test func `what another process encrypts with a key that was added since is decrypted`() throws {
        let running = try KeyRing.load(path)
        try KeyRing.addKey(named: "k2", to: path)
        let value = try KeyRing.load(path).encrypt(password, for: place)
        #expect(try running.decrypt(value, for: place) == password)
        #expect(running.newestKeyID == "k1")
        try FileManager.default.removeItem(atPath: path)
        let error = #expect(throws: SealingError.self) { try running.decrypt(value, for: place) }
        #expect(error?.code == .unknownKey)
    }

    @Test func `another key of the same name does not decrypt`() throws {
        let ciphertext = try KeyRing.load(path).encrypt(password, for: place)
        try KeyRing.addKey(named: "k1", to: folder.path("other"))
        let error = #expect(throws: SealingError.self) {
            try KeyRing.load(folder.path("other")).decrypt(ciphertext, for: place)
        }
        #expect(error?.code == .doesNotOpen)
    }

    @Test func `a key file is for its owner only`() throws {
        #expect(try folder.mode("ring") == 0o600)
        try KeyRing.addKey(to: path)
        #expect(try folder.mode("ring") == 0o600)
        for mode in [0o640, 0o604, 0o660, 0o644, 0o610] {
            try folder.setMode(mode, of: "ring")
            let error = #expect(throws: SealingError.self) { try KeyRing.load(path) }
            #expect(error?.code == .keyFile)
            #expect(error?.sentence.contains("chmod 600") == true)
            #expect(throws: SealingError.self) { try KeyRing.addKey(to: path) }
        }
        try folder.setMode(0o400, of: "ring")
        #expect(try KeyRing.load(path).keyIDs.count == 2)
    }

    @Test(
        arguments: [
            (0o600, true, true), (0o400, true, true), (0o440, true, false), (0o640, true, false), (0o660, false, false),
            (0o444, false, false), (0o450, false, false),
        ] as [(mode_t, Bool, Bool)]
    )
    func `a file that Kubernetes mounts for a pod's group is private, one's own for a group is not`(
        mode: mode_t,
        ofRoot: Bool,
        own: Bool
    ) {
        #expect(KeyFile.isPrivate(mode: mode, owner: 0, reader: 10_001) == ofRoot)
        #expect(KeyFile.isPrivate(mode: mode, owner: 10_001, reader: 10_001) == own)
        #expect(KeyFile.isPrivate(mode: mode, owner: 0, reader: 0) == own)
    }

    @Test func `a name that is taken is refused, and the key stays`() throws {
        let ciphertext = try KeyRing.load(path).encrypt(password, for: place)
        #expect(throws: SealingError.self) { try KeyRing.addKey(named: "k1", to: path) }
        #expect(throws: SealingError.self) { try KeyRing.addKey(named: "K 1", to: path) }
        #expect(try KeyRing.load(path).decrypt(ciphertext, for: place) == password)
    }

    @Test(arguments: [
        "", "# nothing\n", "k1 AAAA\n", "k1\n", "k1 not/base64!\n", "K1 \(zeros)\n", "k1 \(zeros)\nk1 \(zeros)\n",
        "k1 \(zeros) more\n",
    ])
    func `a damaged file is refused, and its content is not repeated`(text: String) throws {
        try Data(text.utf8).write(to: folder.url.appending(path: "bad"))
        try folder.setMode(0o600, of: "bad")
        let error = #expect(throws: SealingError.self) { try KeyRing.load(folder.path("bad")) }
        #expect(error?.code == .keyFile)
        #expect(error?.sentence.contains("AAAA") == false)
    }

    @Test func `comments, empty lines and a missing last line end are no fault`() throws {
        try Data("# ring\n\n  a \(zeros)\n# newest\nb \(ones)".utf8).write(to: folder.url.appending(path: "good"))
        try folder.setMode(0o600, of: "good")
        #expect(try KeyRing.load(folder.path("good")).newestKeyID == "b")
        try KeyRing.addKey(named: "c", to: folder.path("good"))
        #expect(try KeyRing.load(folder.path("good")).keyIDs == ["a", "b", "c"])
    }

    @Test func `no file is a fault with the file's name`() {
        let error = #expect(throws: SealingError.self) { try KeyRing.load("/nowhere/ring") }
        #expect(error?.sentence.contains("/nowhere/ring") == true)
    }
}

/// 32 bytes in base64.
private let zeros = Data(repeating: 0, count: 32).base64EncodedString()
private let ones = Data(repeating: 1, count: 32).base64EncodedString()
