/// Why bytes are not acceptable JSON.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of fault.
    public enum Code: String, Sendable, Hashable {
        /// The bytes are not UTF-8.
        case notUTF8
        /// Objects and arrays are nested too deeply.
        case tooDeep
        /// There are too many bytes.
        case tooLarge
        /// There is nothing.
        case empty
        /// A number does not fit 64 bits.
        case numberOutOfRange
        /// The text is not JSON.
        case syntax
        /// An object holds a key twice.
        case duplicateKey
        /// A string holds U+0000, which PostgreSQL cannot store.
        case nulCharacter
    }

    /// The kind of fault.
    public let code: Code
    /// The path of the value that is at fault, such as `metadata.labels`; empty where it is the whole.
    public let path: String
    /// One sentence: what is wrong and what would be right.
    public let sentence: String

    /// The sentence.
    public var description: String { sentence }
}
