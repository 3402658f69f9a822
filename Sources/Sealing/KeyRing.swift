internal import Crypto
internal import Foundation

/// Encrypts values at rest with AES-256-GCM: the newest key encrypts, every key decrypts.
///
/// Never prints its keys.
///
/// A ciphertext is a version (1), the length of the key's name, the name, 12 random bytes, what was encrypted and a tag
/// of 16 bytes; all that stands before, and the binding, is authenticated. One key is good for 2³² values.
public struct KeyRing: Sendable {
    private static let version: UInt8 = 1
    private static let purpose = Array("slipway at rest v1".utf8)

    /// The name of the key that encrypts.
    public let newestKeyID: String
    private let keys: [String: SecretBytes]
    /// Where the ring was read.
    private let path: String?

    init(_ list: KeyList, from path: String? = nil) throws(SealingError) {
        guard let newest = list.entries.last else { throw SealingError(.notAKey, "A key ring should hold a key.") }
        newestKeyID = newest.id
        keys = Dictionary(list.entries.map { ($0.id, $0.key) }) { first, _ in first }
        self.path = path
    }

    /// Reads a ring from a file that only its owner may read.
    ///
    /// A line each with a name, a space and 32 random bytes in base64, the newest key last; `#` begins a comment.
    public static func load(_ path: String) throws(SealingError) -> KeyRing {
        try KeyRing(KeyList.load(path), from: path)
    }

    /// Adds a random key as the newest one to a file, or makes the file.
    ///
    /// A process that has loaded the file goes on encrypting with the key that was the newest then.
    ///
    /// - Returns: The name of the key.
    @discardableResult
    public static func addKey(named id: String? = nil, to path: String) throws(SealingError) -> String {
        let name = id ?? "k-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        guard KeyList.isName(name) else {
            throw SealingError(.notAKey, "The name of a key should be 1 to 40 small letters, digits and '-'.")
        }
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { SecretBytes($0) }
        try KeyList.add(.init(id: name, key: key), to: path)
        return name
    }

    /// The names of all keys.
    public var keyIDs: Set<String> { Set(keys.keys) }

    /// Encrypts a value with the newest key.
    ///
    /// - Parameter binding: What it is for; needed to decrypt it.
    public func encrypt(_ secret: SecretBytes, for binding: Binding) throws(SealingError) -> [UInt8] {
        let header = [Self.version, UInt8(newestKeyID.utf8.count)] + Array(newestKeyID.utf8)
        guard let key = keys[newestKeyID] else { throw unknownKey }
        let sealed = secret.withUnsafeBytes { bytes in
            try? AES.GCM.seal(bytes, using: key.storage, authenticating: authenticated(header, binding))
        }
        guard let sealed, let body = sealed.combined else {
            throw SealingError(.cannotSeal, "The value cannot be encrypted with the key '\(newestKeyID)'.")
        }
        return header + body
    }

    /// Decrypts a value with the key that encrypted it.
    ///
    /// One that the file did not have when it was loaded is looked for there: another process may have begun to use it.
    ///
    /// - Parameter binding: What it was encrypted for.
    public func decrypt(_ ciphertext: [UInt8], for binding: Binding) throws(SealingError) -> SecretBytes {
        let (id, body) = try Self.parts(ciphertext)
        guard let key = keys[id] ?? added(id) else { throw unknownKey }
        let header = ciphertext.prefix(ciphertext.count - body.count)
        guard let sealed = try? AES.GCM.SealedBox(combined: body),
            let bytes = try? AES.GCM.open(sealed, using: key.storage, authenticating: authenticated(header, binding))
        else { throw .doesNotOpen }
        return SecretBytes(bytes)
    }

    /// Whether a value was encrypted with a key that is not the newest, and should be encrypted anew.
    ///
    /// - Throws: ``SealingError`` where it is no ciphertext.
    public func needsRotation(_ ciphertext: [UInt8]) throws(SealingError) -> Bool {
        try Self.parts(ciphertext).id != newestKeyID
    }

    /// The name of the key that encrypted a value.
    public static func keyID(of ciphertext: [UInt8]) throws(SealingError) -> String {
        try parts(ciphertext).id
    }

    private func added(_ id: String) -> SecretBytes? {
        guard let path, let list = try? KeyList.load(path) else { return nil }
        return list.entries.first { $0.id == id }?.key
    }

    private static func parts(_ ciphertext: [UInt8]) throws(SealingError) -> (id: String, body: ArraySlice<UInt8>) {
        guard ciphertext.count > 2, ciphertext[0] == version, ciphertext.count >= 2 + Int(ciphertext[1]) + 28 else {
            throw SealingError(.malformed, "What should be an encrypted value is too short or of an unknown version.")
        }
        let end = 2 + Int(ciphertext[1])
        let id = String(decoding: ciphertext[2..<end], as: UTF8.self)
        guard KeyList.isName(id) else {
            throw SealingError(.malformed, "What should be an encrypted value does not name its key.")
        }
        return (id, ciphertext[end...])
    }

    private func authenticated(_ header: some Collection<UInt8>, _ binding: Binding) -> [UInt8] {
        Self.purpose + header + binding.bytes
    }

    private var unknownKey: SealingError {
        SealingError(.unknownKey, "The value was encrypted with a key that is not in the key ring; add that key again.")
    }
}

extension KeyRing: CustomStringConvertible, CustomReflectable {
    /// The names of the keys, never the keys.
    public var description: String { "a key ring of \(keys.keys.sorted().joined(separator: ", "))" }
    /// Shows the names of the keys, never the keys.
    public var customMirror: Mirror { Mirror(self, children: ["newestKeyID": newestKeyID]) }
}
