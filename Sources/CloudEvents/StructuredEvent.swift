import Foundation
internal import JSON

/// Reads the JSON form of a whole event.
///
/// Rare, so it prefers plainness to speed.
struct StructuredEvent {
    let event: CloudEvent

    init(_ value: [UInt8], parser: JSONParser) throws(CloudEventError) {
        do throws(JSONError) {
            try parser.validate(value)
        } catch {
            throw CloudEventError(error)
        }
        let content = try Self.content(of: value, parser: parser)
        let attributes = try content.attributes.get()
        let mediaType = MediaType(attributes.texts[CloudEventAttribute.datacontenttype.rawValue] ?? "")
        let data = try Self.data(content, mediaType: mediaType, of: value, parser: parser)
        event = try CloudEvent(attributes, data: data)
    }

    /// What the document says, taken out of it.
    private struct Content {
        var attributes: Result<CloudEventAttributes, CloudEventError>
        var hasData = false
        /// The data when they are a JSON string.
        var text: String?
        var base64: String?
    }

    private static func content(of value: [UInt8], parser: JSONParser) throws(CloudEventError) -> Content {
        do {
            return try parser.withDocument(value) { root in
                var content = Content(attributes: attributes(of: root))
                content.hasData = root["data"] != nil
                content.text = root["data"]?.string
                if let base64 = root["data_base64"], !base64.isNull {
                    guard let text = base64.string else { throw wrongType("data_base64", base64) }
                    content.base64 = text
                }
                return content
            }
        } catch let error as CloudEventError {
            throw error
        } catch {
            throw invalid("", "The value cannot be read as a CloudEvent.")
        }
    }

    private static func attributes(of root: JSONValue) -> Result<CloudEventAttributes, CloudEventError> {
        var attributes = CloudEventAttributes(prefix: "")
        guard root.isObject else {
            let sentence = "The value is \(root.kindInWords); it should be an object: the event."
            return .failure(invalid("", sentence))
        }
        do throws(CloudEventError) {
            try root.forEachMember { (name, member) throws(CloudEventError) in
                guard name != "data", name != "data_base64", !member.isNull else { return }
                try attributes.add(name, try text(name, member))
            }
            return .success(attributes)
        } catch {
            return .failure(error)
        }
    }

    /// An attribute as text; extensions may be whole numbers and truth values too.
    private static func text(_ name: String, _ member: JSONValue) throws(CloudEventError) -> String {
        if let text = member.string { return text }
        guard CloudEventAttribute(rawValue: name) == nil else { throw wrongType(name, member) }
        if let number = member.int { return String(number) }
        if let truth = member.bool { return truth ? "true" : "false" }
        throw invalid(
            String(name.prefix(80)),
            "'\(name.prefix(80))' is \(member.kindInWords); an extension should be a string, a whole number, true or false."
        )
    }

    private static func data(
        _ content: Content,
        mediaType: MediaType,
        of value: [UInt8],
        parser: JSONParser
    ) throws(CloudEventError) -> [UInt8] {
        if let base64 = content.base64 {
            guard !content.hasData else {
                throw invalid("data_base64", "The event has both 'data' and 'data_base64'; it should have one of them.")
            }
            guard let decoded = Data(base64Encoded: base64) else {
                throw invalid("data_base64", "'data_base64' is not base64.")
            }
            return Array(decoded)
        }
        guard content.hasData else { return [] }
        if !mediaType.isJSON, let text = content.text { return Array(text.utf8) }
        do throws(JSONError) {
            return try parser.bytes(of: "data", in: value) ?? []
        } catch {
            throw CloudEventError(error)
        }
    }

    private static func wrongType(_ name: String, _ member: JSONValue) -> CloudEventError {
        CloudEventError(
            kind: .invalidAttribute,
            field: name,
            sentence: "'\(name)' is \(member.kindInWords); it should be a string."
        )
    }

    private static func invalid(_ field: String, _ sentence: String) -> CloudEventError {
        CloudEventError(kind: .structuredModeInvalid, field: field, sentence: sentence)
    }
}
