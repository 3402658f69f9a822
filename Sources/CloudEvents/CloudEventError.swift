/// Why a message is not a CloudEvent that can be used.
public struct CloudEventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of fault.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The stable text that reasons carry, in snake case.
        public let rawValue: String

        /// Makes a kind from its text.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The stable text that reasons carry.
        public var description: String { rawValue }
    }

    /// The kind of fault.
    public let kind: Kind
    /// The header, attribute or path in the data that is at fault; empty where it is the whole.
    public let field: String
    /// One sentence: which field, what is wrong, what would be right.
    public let sentence: String

    /// Makes an error.
    public init(kind: Kind, field: String, sentence: String) {
        self.kind = kind
        self.field = field
        self.sentence = sentence
    }

    /// The kind of fault as the stable text that reasons carry, in snake case.
    public var code: String { kind.rawValue }
    /// The sentence.
    public var description: String { sentence }
}

extension CloudEventError.Kind {
    /// A mandatory attribute is absent or empty.
    public static let missingAttribute = Self(rawValue: "missing_attribute")
    /// The event follows another version of CloudEvents.
    public static let wrongSpecVersion = Self(rawValue: "wrong_specversion")
    /// An attribute does not have the form that CloudEvents gives it.
    public static let invalidAttribute = Self(rawValue: "invalid_attribute")
    /// Bytes that should be text are not UTF-8.
    public static let notUTF8 = Self(rawValue: "not_utf8")
    /// The value should be JSON and is not.
    public static let dataNotJSON = Self(rawValue: "not_json")
    /// The value or an attribute has too many bytes.
    public static let tooLarge = Self(rawValue: "too_large")
    /// The content type is one that is not read here.
    public static let unsupportedContentType = Self(rawValue: "unsupported_content_type")
    /// The value of a structured message is not the JSON form of a CloudEvent.
    public static let structuredModeInvalid = Self(rawValue: "structured_mode_invalid")
    /// There are no data where some are needed.
    public static let emptyValue = Self(rawValue: "empty")
    /// A field of the data is absent or null.
    public static let missingField = Self(rawValue: "missing_field")
    /// A field of the data has the wrong type.
    public static let wrongType = Self(rawValue: "wrong_type")
    /// A field of the data has the right type and a value that is not accepted.
    public static let invalidField = Self(rawValue: "invalid_field")
}
