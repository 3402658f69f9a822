import Sealing
import WorkerRuntime

/// Takes confidential values from their sender to their row, and from there to their cluster.
struct ObjectVault: Sendable {
    /// Opens what senders sealed; only the deployment worker has it.
    let sealing: SealingKeys?
    /// Encrypts at rest.
    let keyRing: KeyRing?

    /// Opens a value that was sealed to the fleet.
    ///
    /// - Throws: A reason that names the field and never the value.
    func open(_ text: String, of place: ConfidentialPlace, _ name: String, _ at: FieldPath) throws(Reason)
        -> SecretBytes
    {
        guard let sealing, keyRing != nil else { throw Self.notSetUp(at) }
        do throws(SealingError) {
            return try sealing.open(try SealedField.parse(text), for: place.binding(name))
        } catch {
            throw Reason(
                code: error.code.rawValue,
                sentence: "'\(at.text)' is refused: \(error.sentence)",
                field: at.text
            )
        }
    }

    /// Encrypts a value for its row; keeps the ciphertext that is there where the value is the same.
    func encrypt(
        _ value: SecretBytes,
        over present: [UInt8]?,
        of place: ConfidentialPlace,
        _ name: String
    ) throws -> [UInt8] {
        guard let keyRing else { throw Self.notSetUp(FieldPath(name)) }
        if let present, (try? keyRing.decrypt(present, for: place.binding(name))) == value { return present }
        return try keyRing.encrypt(value, for: place.binding(name))
    }

    /// Decrypts a value of a row.
    func decrypt(_ ciphertext: [UInt8], of place: ConfidentialPlace, _ name: String) throws -> SecretBytes {
        guard let keyRing else { throw Self.notSetUp(FieldPath(name)) }
        do throws(SealingError) {
            return try keyRing.decrypt(ciphertext, for: place.binding(name))
        } catch {
            throw Reason(
                code: "cannot_decrypt",
                sentence: "The value '\(name)' of the \(place.concept.words) '\(place.name)' cannot be decrypted: "
                    + error.sentence
            )
        }
    }

    private static func notSetUp(_ at: FieldPath) -> Reason {
        Reason(
            code: "sealing_not_set_up",
            sentence: "'\(at.text)' is refused: this fleet has no keys for confidential values; "
                + "ask whoever operates Slipway to set SLIPWAY_SEALING_KEYS and SLIPWAY_KEY_RING.",
            field: at.text
        )
    }
}
