internal import Base64URL

/// A confidential field that only its recipient can open, as a text: `sealed:v1:<key>:<base64url>`.
///
/// The key is named by its fingerprint. The last part is the encapsulated key (32 bytes) and the ciphertext of HPKE
/// (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305), whose `info` is the text
/// `slipway sealed v1 <recipient> <key>` and whose `aad` is ``Binding/bytes``. Not printed, so that logs stay small.
public struct SealedField: Sendable, Hashable {
    private static let scheme = "sealed:"
    private static let start = "sealed:v1:"
    static let encapsulatedCount = 32
    private static let tagCount = 16

    /// The fingerprint of the key that opens it.
    public let keyID: String
    let encapsulatedKey: [UInt8]
    let ciphertext: [UInt8]

    init(keyID: String, encapsulatedKey: [UInt8], ciphertext: [UInt8]) {
        self.keyID = keyID
        self.encapsulatedKey = encapsulatedKey
        self.ciphertext = ciphertext
    }

    /// The text form, which a message carries.
    public var text: String { "\(Self.start)\(keyID):\(Base64URL.encode(encapsulatedKey + ciphertext))" }

    /// Whether a text claims to be sealed; one that does not should be refused where a value is confidential.
    public static func isSealed(_ text: some StringProtocol) -> Bool {
        text.hasPrefix(scheme)
    }

    /// Reads the text form.
    public static func parse(_ text: String) throws(SealingError) -> SealedField {
        guard isSealed(text) else {
            throw SealingError(
                .notSealed,
                "The value is confidential and stands in clear; it should be sealed to the fleet's key (sealed:v1:…)."
            )
        }
        guard text.hasPrefix(start) else {
            throw SealingError(
                .malformed,
                "The value is sealed in a version that is not known; it should begin '\(start)'."
            )
        }
        let parts = text.utf8.dropFirst(start.utf8.count).split(
            separator: UInt8(ascii: ":"),
            omittingEmptySubsequences: false
        )
        guard parts.count == 2, let id = String(parts[0]), KeyList.isName(id), let bytes = Base64URL.decode(parts[1]),
            bytes.count >= encapsulatedCount + tagCount
        else {
            throw SealingError(.malformed, "The sealed value is damaged; it should be '\(start)<key>:<base64url>'.")
        }
        return SealedField(
            keyID: id,
            encapsulatedKey: Array(bytes.prefix(encapsulatedCount)),
            ciphertext: Array(bytes.dropFirst(encapsulatedCount))
        )
    }
}

extension SealedField: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For which key it is sealed.
    public var description: String { "<sealed for \(keyID)>" }
    /// For which key it is sealed.
    public var debugDescription: String { description }
    /// Shows for which key it is sealed.
    public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
}
