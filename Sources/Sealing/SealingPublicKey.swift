internal import Base64URL
internal import Crypto
internal import Foundation

/// A key to which anybody can seal a field, and with which nobody can open one.
public struct SealingPublicKey: Sendable {
    /// The fingerprint by which sealed fields name the key.
    public let keyID: String
    /// For whom it seals.
    public let recipient: SealingRecipient
    private let key: Curve25519.KeyAgreement.PublicKey

    init(_ key: Curve25519.KeyAgreement.PublicKey, of recipient: SealingRecipient) {
        self.key = key
        self.recipient = recipient
        keyID = SealingSuite.fingerprint(key)
    }

    /// Reads a key as ``text`` writes it: 32 bytes in base64url.
    public static func parse(_ text: String, of recipient: SealingRecipient) throws(SealingError) -> SealingPublicKey {
        guard let bytes = Base64URL.decode(text.utf8), bytes.count == 32,
            let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes), !isWeak(key)
        else {
            throw SealingError(
                .notAKey,
                "The public key to seal to should be 32 bytes (X25519) in base64url without padding."
            )
        }
        return SealingPublicKey(key, of: recipient)
    }

    /// Whether the key agrees with every other on the same secret, nothing, so that everybody could open what it seals.
    private static func isWeak(_ key: Curve25519.KeyAgreement.PublicKey) -> Bool {
        let other = Curve25519.KeyAgreement.PrivateKey()
        guard let secret = try? other.sharedSecretFromKeyAgreement(with: key) else { return true }
        return secret.withUnsafeBytes { $0.allSatisfy { $0 == 0 } }
    }

    /// The key as it is published: 32 bytes (X25519) in base64url.
    public var text: String { Base64URL.encode(key.rawRepresentation) }

    /// Seals a field.
    ///
    /// - Parameter binding: What it is for; the recipient must know it to open the field.
    public func seal(_ secret: SecretBytes, for binding: Binding) throws(SealingError) -> SealedField {
        do {
            var sender = try HPKE.Sender(
                recipientKey: key,
                ciphersuite: SealingSuite.suite,
                info: recipient.info(keyID)
            )
            let ciphertext = try secret.withUnsafeBytes { try sender.seal($0, authenticating: binding.bytes) }
            return SealedField(
                keyID: keyID,
                encapsulatedKey: Array(sender.encapsulatedKey),
                ciphertext: Array(ciphertext)
            )
        } catch {
            throw SealingError(.cannotSeal, "The value cannot be sealed to the key '\(keyID)'; use another public key.")
        }
    }
}

extension SealingPublicKey: CustomStringConvertible {
    /// For whom it seals and its fingerprint.
    public var description: String { "the public key \(keyID) of \(recipient)" }
}
