internal import Crypto
internal import Foundation

/// The private keys of a recipient: the newest is published, each opens what was sealed to it.
///
/// Never prints its keys.
public struct SealingKeys: Sendable {
    /// The key to publish.
    public let publicKey: SealingPublicKey
    private let keys: [String: Curve25519.KeyAgreement.PrivateKey]
    /// Where they were read.
    private var path: String?

    /// Takes private keys of 32 bytes each, the newest last, such as one that is derived from another secret.
    public static func make(_ secrets: [SecretBytes], of recipient: SealingRecipient) throws(SealingError)
        -> SealingKeys
    {
        var keys: [String: Curve25519.KeyAgreement.PrivateKey] = [:]
        var newest: SealingPublicKey?
        for secret in secrets {
            let key = secret.withUnsafeBytes { try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: Data($0)) }
            guard let key else { throw SealingError(.notAKey, "A private key should be 32 bytes (X25519).") }
            let publicKey = SealingPublicKey(key.publicKey, of: recipient)
            keys[publicKey.keyID] = key
            newest = publicKey
        }
        guard let newest else { throw SealingError(.notAKey, "There is no private key; there should be one.") }
        return SealingKeys(publicKey: newest, keys: keys)
    }

    private init(publicKey: SealingPublicKey, keys: [String: Curve25519.KeyAgreement.PrivateKey]) {
        self.publicKey = publicKey
        self.keys = keys
    }

    /// Reads the keys from a file that only its owner may read, as ``addKey(to:)`` writes it.
    public static func load(_ path: String, of recipient: SealingRecipient) throws(SealingError) -> SealingKeys {
        let list = try KeyList.load(path)
        var keys = try make(list.entries.map(\.key), of: recipient)
        keys.path = path
        // The name says which key it is: a damaged line would open nothing and publish a key that nobody has.
        for entry in list.entries where keys.keys[entry.id] == nil {
            throw SealingError(
                .keyFile,
                "The key '\(entry.id)' of the file '\(path)' is damaged: its name is not its own."
            )
        }
        return keys
    }

    /// Adds a random key as the newest one to a file, or makes the file; older keys go on opening what is under way.
    ///
    /// - Returns: The fingerprint of the key.
    @discardableResult
    public static func addKey(to path: String) throws(SealingError) -> String {
        let key = Curve25519.KeyAgreement.PrivateKey()
        let id = SealingSuite.fingerprint(key.publicKey)
        try KeyList.add(.init(id: id, key: SecretBytes(key.rawRepresentation)), to: path)
        return id
    }

    /// The fingerprints of all keys.
    public var keyIDs: Set<String> { Set(keys.keys) }

    /// Opens a field that was sealed to one of the keys.
    ///
    /// One that the file did not have when it was loaded is looked for there: its public half may be known to senders.
    ///
    /// - Parameter binding: What it should be for.
    public func open(_ field: SealedField, for binding: Binding) throws(SealingError) -> SecretBytes {
        guard let key = keys[field.keyID] ?? added(field.keyID) else {
            throw SealingError(
                .unknownKey,
                "The value is sealed to a key that is not known here; seal it to the key '\(publicKey.keyID)'."
            )
        }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key,
                ciphersuite: SealingSuite.suite,
                info: publicKey.recipient.info(field.keyID),
                encapsulatedKey: Data(field.encapsulatedKey)
            )
            return SecretBytes(try recipient.open(field.ciphertext, authenticating: binding.bytes))
        } catch {
            throw .doesNotOpen
        }
    }
}

extension SealingKeys {
    private func added(_ id: String) -> Curve25519.KeyAgreement.PrivateKey? {
        guard let path, let present = try? Self.load(path, of: publicKey.recipient) else { return nil }
        return present.keys[id]
    }
}

extension SealingKeys: CustomStringConvertible, CustomReflectable {
    /// For whom the keys are, and their fingerprints.
    public var description: String {
        "the private keys \(keys.keys.sorted().joined(separator: ", ")) of \(publicKey.recipient)"
    }
    /// Shows the fingerprint of the newest key, never a key.
    public var customMirror: Mirror { Mirror(self, children: ["newestKeyID": publicKey.keyID]) }
}
