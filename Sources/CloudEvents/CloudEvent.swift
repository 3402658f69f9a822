/// A CloudEvent 1.0: what happened, and the attributes that say so.
///
/// The same in the binary and the structured mode.
public struct CloudEvent: Sendable, Hashable {
    /// Unique within its source.
    public var id: String
    /// Who produced it: a URI reference.
    public var source: String
    /// What happened.
    public var type: String
    /// What it is about.
    public var subject: String?
    /// When it happened, after RFC 3339, as it was written.
    public var time: String?
    /// The media type of the data, as it was written; `application/json` where nothing was.
    public var dataContentType: String
    /// Where the schema of the data is found: a URI.
    public var dataSchema: String?
    /// Attributes that CloudEvents does not define, by name without a prefix; the trace is not among them.
    public var extensions: [String: String]
    /// The W3C trace that the message belongs to, passed through unread.
    public var trace: TraceContext?
    /// The bytes of the data; none for an event without data.
    ///
    /// In the structured mode the bytes of the member `data` as they were written, or what `data_base64` stands for.
    public var data: [UInt8]

    /// Makes an event; nothing is checked, since its parts come from the program.
    public init(
        id: String,
        source: String,
        type: String,
        subject: String? = nil,
        time: String? = nil,
        dataContentType: String = "application/json",
        dataSchema: String? = nil,
        extensions: [String: String] = [:],
        trace: TraceContext? = nil,
        data: [UInt8]
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.dataContentType = dataContentType
        self.dataSchema = dataSchema
        self.extensions = extensions
        self.trace = trace
        self.data = data
    }

    /// The headers of the binary mode in a fixed order: extensions by name after CloudEvents' own attributes.
    ///
    /// The value of the message is ``data``.
    public var headers: [(String, String)] {
        var headers = [("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", source), ("ce_type", type)]
        if let subject { headers.append(("ce_subject", subject)) }
        if let time { headers.append(("ce_time", time)) }
        if let dataSchema { headers.append(("ce_dataschema", dataSchema)) }
        headers.append(("content-type", dataContentType))
        for (name, value) in extensions.sorted(by: { $0.key < $1.key }) { headers.append(("ce_" + name, value)) }
        if let trace { headers += trace.headers }
        return headers
    }

    /// The event as a message of the binary mode.
    public var message: CloudEventMessage { CloudEventMessage(headers: headers, value: data) }
}
