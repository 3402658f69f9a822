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
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            self.init(numberThatDoesNotFitIn: data, parser: parser)
        case .dataCorrupted(let context):
            let field = Self.path(context.codingPath)
            let why = Self.sentence(context.debugDescription.prefix(160))
            self.init(kind: .invalidField, field: field, sentence: "\(Self.subject(field)) is not accepted: \(why)")
        @unknown default:
            self.init(kind: .invalidField, field: "", sentence: "The data cannot be read.")
        }
    }

    /// Foundation does not say where a number stood that its field could not hold, as `1.5` for a whole number.
    ///
    /// The data are valid JSON at this point, so that nothing else is corrupted. Events hardly ever have fractions:
    /// the first one is named.
    private init(numberThatDoesNotFitIn data: [UInt8], parser: JSONParser) {
        let field = (try? parser.withDocument(data) { Self.pathOfFraction(in: $0) }).flatMap { $0 }
        let sentence =
            field.map { "'\($0)' must be a whole number of at most 64 bits." }
            ?? "A number in the data is out of the range of its field; it must be smaller."
        self.init(kind: .wrongType, field: field ?? "", sentence: sentence)
    }

    /// Recursion goes no deeper than the parser lets documents be.
    private static func pathOfFraction(in value: JSONValue, at path: String = "") -> String? {
        if value.kind == .number { return value.int == nil ? path : nil }
        var found: String?
        var index = 0
        value.forEachElement { element in
            if found == nil { found = pathOfFraction(in: element, at: "\(path)[\(index)]") }
            index += 1
        }
        value.forEachMember { name, member in
            if found == nil { found = pathOfFraction(in: member, at: path.isEmpty ? name : "\(path).\(name)") }
        }
        return found
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
