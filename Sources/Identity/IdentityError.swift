internal import KeyFile

/// Why no token can be verified or issued at all: nothing that a caller did.
public struct IdentityError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of fault; the raw value is the stable code.
    public enum Code: String, Sendable, Hashable {
        /// The place of the key set is not one that can be read.
        case keySetPlace = "key_set_place"
        /// The key set cannot be read now.
        case keySetUnreachable = "key_set_unreachable"
        /// What should be a key set is none.
        case keySetMalformed = "key_set_malformed"
        /// The private key cannot be read or is none.
        case privateKey = "private_key"
        /// A file cannot be written, or exists already.
        case file = "file"
    }

    /// The kind of fault.
    public let code: Code
    /// One sentence: what is wrong, what would be right.
    public let sentence: String

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    /// The sentence.
    public var description: String { sentence }
}

extension IdentityError {
    init(_ code: Code, _ error: KeyFileError) {
        self.init(code, error.sentence)
    }
}
