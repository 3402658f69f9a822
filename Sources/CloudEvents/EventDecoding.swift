import Foundation
public import JSON

extension CloudEvent {
    /// Decodes the data of a slow, rare message strictly: repeated keys and U+0000 are refused.
    ///
    /// - Throws: ``CloudEventError`` that names the field, what is wrong and what would be right.
    public func decode<T: Decodable>(_ type: T.Type, parser: JSONParser) throws(CloudEventError) -> T {
        do {
            try parser.validate(data)
            return try JSONDecoder().decode(type, from: Data(data))
        } catch let error as JSONError {
            throw CloudEventError(code: error.code.snakeCase, field: error.path, sentence: error.sentence)
        } catch let error as DecodingError {
            throw CloudEventError(error)
        } catch {
            throw CloudEventError(code: "invalid_data", field: "", sentence: "The data could not be read.")
        }
    }
}

extension JSONError.Code {
    /// The code as reasons spell it.
    public var snakeCase: String {
        switch self {
        case .notUTF8: "not_utf8"
        case .tooDeep: "too_deep"
        case .tooLarge: "too_large"
        case .empty: "empty"
        case .numberOutOfRange: "number_out_of_range"
        case .syntax: "not_json"
        case .duplicateKey: "duplicate_key"
        case .nulCharacter: "nul_character"
        }
    }
}

extension CloudEventError {
    init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let field = Self.path(context.codingPath + [key])
            self.init(code: "missing_field", field: field, sentence: "'\(field)' is missing.")
        case .typeMismatch(let type, let context):
            let field = Self.path(context.codingPath)
            self.init(
                code: "wrong_type", field: field,
                sentence: field.isEmpty
                    ? "The data should be a JSON object." : "'\(field)' should be \(Self.words(for: type)).")
        case .valueNotFound(let type, let context):
            let field = Self.path(context.codingPath)
            self.init(
                code: "missing_field", field: field,
                sentence: "'\(field)' is null; it should be \(Self.words(for: type)).")
        case .dataCorrupted(let context):
            let field = Self.path(context.codingPath)
            self.init(
                code: "invalid_field", field: field,
                sentence: "'\(field)' cannot be read: \(context.debugDescription.prefix(120))")
        @unknown default:
            self.init(code: "invalid_data", field: "", sentence: "The data could not be read.")
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

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is [String: Any].Type: "an object"
        default: "\(type)".hasPrefix("Array") ? "an array" : "an object"
        }
    }
}
