import Foundation
public import JSON

/// What carries a CloudEvent over Kafka: headers and a value.
public protocol CloudEventCarrier {
    /// The last header of that name as text.
    func header(_ name: String) -> String?
    /// Lends the value, valid inside the closure only; `nil` for a null value.
    func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R?
}

/// A CloudEvent 1.0, read from Kafka in the binary or the structured mode.
public struct CloudEvent: Sendable, Hashable {
    /// Unique within its source.
    public let id: String
    /// Who produced it: a URI reference.
    public let source: String
    /// What happened.
    public let type: String
    /// What it is about.
    public let subject: String?
    /// When it happened, as it was written.
    public let time: String?
    /// The media type of the data.
    public let dataContentType: String
    /// The data's bytes; in the structured mode the `data` member as JSON, or the decoded `data_base64`.
    public let data: [UInt8]
    /// Whether the structured mode carried it.
    public let isStructured: Bool
    /// The whole message's trace, which is not part of the event.
    public let traceparent: String?

    /// Reads the attributes and copies the data.
    ///
    /// - Throws: ``CloudEventError`` that names the attribute at fault.
    public init(_ carrier: some CloudEventCarrier, parser: JSONParser) throws(CloudEventError) {
        let contentType = carrier.header("content-type") ?? ""
        let kind = contentType.lowercased()
        if kind.hasPrefix("application/cloudevents-batch") {
            throw CloudEventError(
                code: "unsupported_content_type", field: "content-type",
                sentence: "'content-type' is '\(contentType.prefix(80))'; Kafka carries one event a message, not a batch.")
        }
        if kind.hasPrefix("application/cloudevents") {
            self = try Self.structured(carrier, contentType: contentType, parser: parser)
        } else {
            self = try Self.binary(carrier, contentType: contentType)
        }
    }

    private init(
        id: String, source: String, type: String, subject: String?, time: String?, dataContentType: String,
        data: [UInt8], isStructured: Bool, traceparent: String?
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.dataContentType = dataContentType
        self.data = data
        self.isStructured = isStructured
        self.traceparent = traceparent
    }

    private static func binary(_ carrier: some CloudEventCarrier, contentType: String) throws(CloudEventError) -> Self {
        try checkSpecVersion(carrier.header("ce_specversion"), field: "ce_specversion")
        return CloudEvent(
            id: try required(carrier.header("ce_id"), field: "ce_id"),
            source: try required(carrier.header("ce_source"), field: "ce_source"),
            type: try required(carrier.header("ce_type"), field: "ce_type"),
            subject: carrier.header("ce_subject"),
            time: try checkedTime(carrier.header("ce_time"), field: "ce_time"),
            dataContentType: contentType.isEmpty ? "application/json" : contentType,
            data: carrier.withValue { Array($0) } ?? [],
            isStructured: false,
            traceparent: carrier.header("traceparent")
        )
    }

    private static func structured(
        _ carrier: some CloudEventCarrier,
        contentType: String,
        parser: JSONParser
    ) throws(CloudEventError) -> Self {
        guard contentType.lowercased().hasPrefix("application/cloudevents+json") else {
            throw CloudEventError(
                code: "unsupported_content_type", field: "content-type",
                sentence: "'content-type' is '\(contentType.prefix(80))'; of the structured formats only "
                    + "'application/cloudevents+json' is read.")
        }
        let bytes = carrier.withValue { Array($0) } ?? []
        let parts = try parts(of: bytes, parser: parser)
        try checkSpecVersion(parts.text["specversion"], field: "specversion")
        return CloudEvent(
            id: try required(parts.text["id"], field: "id"),
            source: try required(parts.text["source"], field: "source"),
            type: try required(parts.text["type"], field: "type"),
            subject: parts.text["subject"],
            time: try checkedTime(parts.text["time"], field: "time"),
            dataContentType: parts.text["datacontenttype"] ?? "application/json",
            data: try parts.data(of: bytes),
            isStructured: true,
            traceparent: carrier.header("traceparent")
        )
    }

    private static func parts(of bytes: [UInt8], parser: JSONParser) throws(CloudEventError) -> StructuredParts {
        do {
            try parser.validate(bytes)
            return try parser.withDocument(bytes) { try StructuredParts($0) }
        } catch let error as JSONError {
            throw CloudEventError(code: error.code.snakeCase, field: error.path, sentence: error.sentence)
        } catch let error as CloudEventError {
            throw error
        } catch {
            throw CloudEventError(code: "structured_invalid", field: "", sentence: "The value is not a CloudEvent.")
        }
    }

    private static func required(_ value: String?, field: String) throws(CloudEventError) -> String {
        guard let value, !value.isEmpty else {
            throw CloudEventError(
                code: "missing_attribute", field: field,
                sentence: "'\(field)' is missing or empty; a CloudEvent must have it.")
        }
        guard value.utf8.count <= 1024, !value.utf8.contains(0) else {
            throw CloudEventError(
                code: "invalid_attribute", field: field,
                sentence: "'\(field)' must have at most 1024 bytes and no U+0000.")
        }
        return value
    }

    private static func checkSpecVersion(_ value: String?, field: String) throws(CloudEventError) {
        let version = try required(value, field: field)
        guard version == "1.0" else {
            throw CloudEventError(
                code: "wrong_specversion", field: field,
                sentence: "'\(field)' is '\(version.prefix(20))'; CloudEvents 1.0 is read, so it should be '1.0'.")
        }
    }

    private static func checkedTime(_ value: String?, field: String) throws(CloudEventError) -> String? {
        guard let value else { return nil }
        guard RFC3339.parse(value) != nil else {
            throw CloudEventError(
                code: "invalid_attribute", field: field,
                sentence: "'\(field)' is '\(value.prefix(40))'; it should be a time such as '2026-11-23T08:00:00Z'.")
        }
        return value
    }
}

/// The members of a structured event.
private struct StructuredParts {
    var text: [String: String] = [:]
    private var base64: String?
    private var hasData = false

    init(_ root: JSONValue) throws {
        guard root.isObject else {
            throw CloudEventError(
                code: "structured_invalid", field: "", sentence: "The value should be one JSON object: the event.")
        }
        for name in ["specversion", "id", "source", "type", "subject", "time", "datacontenttype"] {
            guard let member = root[named: name], !member.isNull else { continue }
            guard let value = member.string else {
                throw CloudEventError(
                    code: "invalid_attribute", field: name,
                    sentence: "'\(name)' is \(member.kindInWords); it should be a string.")
            }
            text[name] = value
        }
        base64 = root["data_base64"]?.string
        hasData = root["data"] != nil
    }

    func data(of event: [UInt8]) throws(CloudEventError) -> [UInt8] {
        if let base64 {
            guard let decoded = Data(base64Encoded: base64) else {
                throw CloudEventError(
                    code: "invalid_attribute", field: "data_base64", sentence: "'data_base64' is not base64.")
            }
            return Array(decoded)
        }
        guard hasData else { return [] }
        // Rare and not hot: Foundation cuts the member out.
        guard let whole = try? JSONSerialization.jsonObject(with: Data(event)) as? [String: Any],
            let data = whole["data"],
            let bytes = try? JSONSerialization.data(withJSONObject: data, options: [.fragmentsAllowed, .sortedKeys])
        else { return [] }
        return Array(bytes)
    }
}
