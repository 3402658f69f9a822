public import JSON

extension CloudEvent {
    /// Reads an event in the binary or the structured mode, and copies its data.
    ///
    /// A content type that begins with `application/cloudevents` means the structured mode, as the Kafka binding of
    /// CloudEvents 1.0 has it. In the binary mode the data are not looked at; ``decode(_:parser:)`` does that.
    ///
    /// - Throws: ``CloudEventError`` that names the header or member at fault.
    public init(_ carrier: some CloudEventCarrier, parser: JSONParser) throws(CloudEventError) {
        let contentType = carrier.contentTypeHeader
        let mediaType = MediaType(contentType)
        let value = try Self.value(of: carrier, atMost: parser.maximumBytes)
        if mediaType.isCloudEvents {
            try Self.checkFormat(mediaType, contentType: contentType)
            self = try StructuredEvent(value, parser: parser).event
        } else {
            let attributes = try Self.attributes(of: carrier, contentType: contentType)
            self = try CloudEvent(attributes, data: value)
        }
        // A message's own trace is nearer than the one that the event was born with.
        if let trace = carrier.trace { self.trace = trace }
    }

    /// Checks attributes, whichever mode they come from.
    init(_ attributes: CloudEventAttributes, data: [UInt8]) throws(CloudEventError) {
        try attributes.checkSpecVersion()
        self.init(
            id: try attributes.required(.id),
            source: try attributes.reference(.source, attributes.required(.source)),
            type: try attributes.required(.type),
            subject: try attributes.optional(.subject),
            time: try attributes.time(),
            dataContentType: try attributes.optional(.datacontenttype) ?? "application/json",
            extensions: attributes.extensions,
            trace: TraceContext(parent: attributes.texts["traceparent"], state: attributes.texts["tracestate"]),
            data: data
        )
        if let schema = try attributes.optional(.dataschema) {
            dataSchema = try attributes.reference(.dataschema, schema)
        }
    }

    private static func value(of carrier: some CloudEventCarrier, atMost limit: Int) throws(CloudEventError) -> [UInt8]
    {
        var count = 0
        let value = carrier.withValue { bytes -> [UInt8]? in
            count = bytes.count
            return count <= limit ? Array(bytes) : nil
        }
        guard count <= limit else {
            throw CloudEventError(
                kind: .tooLarge,
                field: "",
                sentence: "The value has \(count) bytes; at most \(limit) are accepted."
            )
        }
        return (value ?? []) ?? []
    }

    private static func checkFormat(_ mediaType: MediaType, contentType: String) throws(CloudEventError) {
        guard !mediaType.isCloudEventsJSON else { return }
        let right =
            mediaType.isBatch
            ? "a message holds one event, not a batch"
            : "of the structured formats only 'application/cloudevents+json' is read"
        throw CloudEventError(
            kind: .unsupportedContentType,
            field: "content-type",
            sentence: "'content-type' is '\(contentType.prefix(80))'; \(right)."
        )
    }

    private static func attributes(
        of carrier: some CloudEventCarrier,
        contentType: String
    ) throws(CloudEventError) -> CloudEventAttributes {
        var headers: [(name: String, text: String?)] = []
        carrier.forEachAttributeHeader { headers.append(($0, $1)) }
        var attributes = CloudEventAttributes(prefix: "ce_")
        var seen: Set<String> = []
        for header in headers where header.name.hasPrefix("ce_") {
            guard seen.insert(header.name).inserted else {
                throw CloudEventError(
                    kind: .invalidAttribute,
                    field: header.name,
                    sentence: "'\(header.name.prefix(80))' stands more than once; each attribute may stand once."
                )
            }
            guard let text = header.text else {
                throw CloudEventError(
                    kind: .notUTF8,
                    field: header.name,
                    sentence: "'\(header.name.prefix(80))' is null or not UTF-8; it should be text, or be left out."
                )
            }
            try attributes.add(String(header.name.dropFirst(3)), text)
        }
        if !contentType.isEmpty { try attributes.add(CloudEventAttribute.datacontenttype.rawValue, contentType) }
        return attributes
    }
}
