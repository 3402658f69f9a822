/// Why a message was refused, parked or dead-lettered, in a form that programs and people can act on.
public struct Reason: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    /// A stable identifier in snake case, such as `unknown_project`; programs may switch over it.
    public let code: String
    /// One sentence: which field, what is wrong, what would be right.
    ///
    /// Never holds a secret or a whole payload.
    public let sentence: String
    /// The path of the field that is wrong, such as `spec.replicas`, if it is one field.
    public let field: String?

    /// Makes a reason.
    public init(code: String, sentence: String, field: String? = nil) {
        self.code = code
        self.sentence = sentence
        self.field = field
    }

    /// The code and the sentence.
    public var description: String { "\(code): \(sentence)" }
}

/// What a handler says of a message that it cannot take as input.
///
/// What is understood well enough to be answered is input: its handler rejects it.
public enum Refusal: Error, Sendable, Hashable {
    /// It goes to the topic's dead letters at once.
    case deadLetter(Reason)

    /// Why.
    public var reason: Reason {
        switch self {
        case .deadLetter(let reason): reason
        }
    }
}
