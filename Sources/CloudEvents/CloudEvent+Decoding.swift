import Foundation
public import JSON

extension CloudEvent {
    /// Decodes the data of a slow, rare message strictly: repeated keys, U+0000 and too much of anything are refused.
    ///
    /// - Throws: ``CloudEventError`` that names the field of the data, what is wrong and what would be right.
    public func decode<T: Decodable>(_ type: T.Type, parser: JSONParser) throws(CloudEventError) -> T {
        guard MediaType(dataContentType).isJSON else {
            throw CloudEventError(
                kind: .unsupportedContentType,
                field: "content-type",
                sentence: "'content-type' is '\(dataContentType.prefix(80))'; it should be 'application/json'."
            )
        }
        do {
            try parser.validate(data)
            return try JSONDecoder().decode(type, from: Data(data))
        } catch let error as JSONError {
            throw CloudEventError(error)
        } catch let error as DecodingError {
            throw CloudEventError(error, data: data, parser: parser)
        } catch {
            throw CloudEventError(kind: .invalidField, field: "", sentence: "The data cannot be read.")
        }
    }
}

extension CloudEventError {
    /// The same fault as a fault of the event's data.
    init(_ error: JSONError) {
        self.init(kind: Kind(rawValue: error.code.rawValue), field: error.path, sentence: error.sentence)
    }
}
