internal import JSON

extension CloudEventError {
    /// Says what Foundation's decoder found in words for the sender of the data.
    init(_ error: DecodingError, data: [UInt8], parser: JSONParser) {
        switch error {
        case .keyNotFound(let key, let context):
            let field = Self.path(context.codingPath + [key])
            self.init(kind: .missingField, field: field, sentence: "'\(field)' is missing; it must be there.")
        case .valueNotFound(let type, let context):
            let field = Self.path(context.codingPath)
            let wanted = Self.words(for: type)
            self.init(
                kind: .missingField,
                field: field,
                sentence: "\(Self.subject(field)) must be \(wanted), but is null."
            )
        case .typeMismatch(let type, let context):
            let field = Self.path(context.codingPath)
            let found = Self.found(at: context.codingPath, in: data, parser: parser) ?? "something else"
            let wanted = Self.words(for: type)
            self.init(
                kind: .wrongType,
                field: field,
                sentence: "\(Self.subject(field)) must be \(wanted), but is \(found)."
            )
        case .dataCorrupted(let context):
            let field = Self.path(context.codingPath)
            let why = Self.sentence(context.debugDescription.prefix(160))
            self.init(kind: .invalidField, field: field, sentence: "\(Self.subject(field)) is not accepted: \(why)")
        @unknown default:
            self.init(kind: .invalidField, field: "", sentence: "The data cannot be read.")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
    }

    private static func subject(_ field: String) -> String {
        field.isEmpty ? "The data" : "'\(field)'"
    }

    private static func sentence(_ text: Substring) -> String {
        text.hasSuffix(".") ? String(text) : text + "."
    }

    /// What stands in the data where the decoder wanted something else.
    private static func found(at keys: [any CodingKey], in data: [UInt8], parser: JSONParser) -> String? {
        try? parser.withDocument(data) { root in
            var value: JSONValue? = root
            for key in keys {
                value = key.intValue.map { value?[$0] } ?? value?[named: key.stringValue]
            }
            return value?.kindInWords
        }
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any ArrayLike.Type: "an array"
        default: "an object"
        }
    }
}

/// What the decoder asks for when it wants an array: an array of anything.
private protocol ArrayLike {}

extension Array: ArrayLike {}
