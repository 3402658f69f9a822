/// Why bytes are not acceptable JSON.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of fault; the raw value is the stable code that reasons carry.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The bytes are not UTF-8.
        case notUTF8 = "not_utf8"
        /// Objects and arrays are nested too deeply.
        case tooDeep = "too_deep"
        /// There are too many bytes.
        case tooLarge = "too_large"
        /// There is nothing.
        case empty = "empty"
        /// A number is malformed, or too large for 64 bits.
        case numberOutOfRange = "number_out_of_range"
        /// The text is not JSON.
        case syntax = "not_json"
        /// An object holds a key twice.
        case duplicateKey = "duplicate_key"
        /// A text holds U+0000, which PostgreSQL cannot store.
        case nulCharacter = "nul_character"
        /// A text holds half of a surrogate pair, which is no character.
        case loneSurrogate = "lone_surrogate"
        /// The machine has no memory left.
        case outOfMemory = "out_of_memory"

        /// The stable code that reasons carry.
        public var snakeCase: String { rawValue }
    }

    /// The kind of fault.
    public let code: Code
    /// The path of the value that is at fault, such as `metadata.labels.app`; empty where it is the whole.
    public let path: String
    /// One sentence: what is wrong and what would be right.
    public let sentence: String

    /// The sentence.
    public var description: String { sentence }
}

extension JSONError {
    init(_ code: Code, count: Int, maximumDepth: Int, maximumBytes: Int) {
        self.code = code
        path = ""
        sentence =
            switch code {
            case .notUTF8: "The value is not UTF-8; JSON must be."
            case .tooDeep: "The value is nested deeper than the \(maximumDepth) levels that are accepted."
            case .tooLarge: "The value has \(count) bytes; at most \(maximumBytes) are accepted."
            case .empty: "The value is empty; it should be JSON."
            case .numberOutOfRange: "A number is malformed or does not fit 64 bits."
            case .outOfMemory: "There is no memory left to read the value of \(count) bytes."
            case .syntax, .duplicateKey, .nulCharacter, .loneSurrogate: "The value is not JSON."
            }
    }

    /// What a decoder would silently accept.
    init(strict code: Code, path: String) {
        self.code = code
        self.path = path
        let place = path.isEmpty ? "The text" : "The text or key '\(path)'"
        sentence =
            switch code {
            case .duplicateKey: "The key '\(path)' stands more than once in its object; each key may stand once."
            case .nulCharacter: "\(place) holds the character U+0000, which cannot be stored; leave it out."
            case .loneSurrogate: "\(place) holds half of a surrogate pair; write both halves or neither."
            default: "The value cannot be checked."
            }
    }
}
