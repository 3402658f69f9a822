/// Why a file that holds keys cannot be read or written; never says what is in it.
public struct KeyFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of fault; the raw value is the stable code.
    public enum Code: String, Sendable, Hashable {
        /// There is no such file.
        case missing = "key_file_missing"
        /// There is a file already, and it is not overwritten.
        case exists = "key_file_exists"
        /// Others than its owner may read or change the file.
        case mode = "key_file_mode"
        /// The file has more bytes than such a file should.
        case tooLarge = "key_file_too_large"
        /// The file cannot be read.
        case unreadable = "key_file_unreadable"
        /// The file cannot be written.
        case unwritable = "key_file_unwritable"
    }

    /// The kind of fault.
    public let code: Code
    /// One sentence: which file, what is wrong, what would be right.
    public let sentence: String

    /// The sentence.
    public var description: String { sentence }
}
