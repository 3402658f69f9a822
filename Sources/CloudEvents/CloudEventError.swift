/// Why a message is not a CloudEvent that can be used.
public struct CloudEventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable identifier in snake case.
    public let code: String
    /// The attribute or field that is at fault.
    public let field: String
    /// One sentence: which field, what is wrong, what would be right.
    public let sentence: String

    /// Makes an error.
    public init(code: String, field: String, sentence: String) {
        self.code = code
        self.field = field
        self.sentence = sentence
    }

    /// The sentence.
    public var description: String { sentence }
}
