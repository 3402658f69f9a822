internal import KeyFile

/// Why something cannot be sealed, opened, encrypted or decrypted; never says what is in it.
public struct SealingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of fault; the raw value is the stable code that reasons carry.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A text should be sealed and is not.
        case notSealed = "not_sealed"
        /// A text or ciphertext begins well and is damaged, or of a version that is not known.
        case malformed = "sealed_malformed"
        /// It was made for a key that is not here.
        case unknownKey = "sealed_for_unknown_key"
        /// It was made for another key or purpose, or was changed.
        case doesNotOpen = "sealed_does_not_open"
        /// What should be a key is none.
        case notAKey = "sealing_key_malformed"
        /// A file of keys cannot be used.
        case keyFile = "sealing_key_file"
        /// The encryption itself failed.
        case cannotSeal = "cannot_seal"
    }

    /// The kind of fault.
    public let code: Code
    /// One sentence: what is wrong, what would be right.
    public let sentence: String

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    init(_ error: KeyFileError) {
        self.init(.keyFile, error.sentence)
    }

    /// The code and the sentence.
    public var description: String { "\(code.rawValue): \(sentence)" }
}

extension SealingError {
    static var doesNotOpen: SealingError {
        SealingError(
            .doesNotOpen,
            "The sealed value does not open: it was sealed for another key or another place, or it was changed; seal it again."
        )
    }
}
