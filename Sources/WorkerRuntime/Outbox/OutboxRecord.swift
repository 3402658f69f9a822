public import CloudEvents

/// A CloudEvent that is to be published.
public struct OutgoingEvent: Sendable {
    /// Its id: derived from what it says, so that a repeat is recognisable.
    public var id: String
    /// Its type, ending in a version.
    public var type: String
    /// Who publishes it, such as `/slipway/agent-worker`.
    public var source: String
    /// What it is about.
    public var subject: String?
    /// When it happened: microseconds since 1970, by the database's clock.
    public var time: Int64
    /// The JSON data.
    public var data: [UInt8]
    /// Extension attributes, written as `ce_<name>`.
    public var extensions: [(String, String)]
    /// Headers that are not attributes, such as a signature.
    public var plainHeaders: [(String, String)]
    /// The W3C trace that it belongs to.
    public var trace: TraceContext?

    /// Makes an event.
    public init(
        id: String,
        type: String,
        source: String,
        subject: String?,
        time: Int64,
        data: [UInt8],
        extensions: [(String, String)] = [],
        plainHeaders: [(String, String)] = [],
        trace: TraceContext? = nil
    ) {
        self.id = id
        self.type = type
        self.source = source
        self.subject = subject
        self.time = time
        self.data = data
        self.extensions = extensions
        self.plainHeaders = plainHeaders
        self.trace = trace
    }

    /// The headers in the CloudEvents binary mode, in a fixed order.
    public var headers: [(String, String)] {
        var headers: [(String, String)] = []
        headers.reserveCapacity(8 + extensions.count + plainHeaders.count)
        headers.append(("ce_specversion", "1.0"))
        headers.append(("ce_id", id))
        headers.append(("ce_source", source))
        headers.append(("ce_type", type))
        headers.append(("ce_time", RFC3339.format(microseconds: time)))
        headers.append(("content-type", "application/json"))
        if let subject { headers.append(("ce_subject", subject)) }
        for (name, value) in extensions { headers.append(("ce_" + name, value)) }
        headers += plainHeaders
        if let trace { headers += trace.headers }
        return headers
    }
}

/// What the events of one type have in common at one time, such as all of a batch: their constant headers, written once.
public struct EventHead: Sendable {
    /// Who publishes them.
    public let source: String
    /// When they happened: microseconds since 1970, by the database's clock.
    public let time: Int64
    fileprivate let headerBytes: [UInt8]

    /// Makes the head of events in the CloudEvents binary mode with JSON data.
    public init(type: String, source: String, time: Int64) {
        self.source = source
        self.time = time
        headerBytes = HeaderBytes.encode([
            ("ce_specversion", "1.0"), ("ce_source", source), ("ce_type", type),
            ("ce_time", RFC3339.format(microseconds: time)), ("content-type", "application/json"),
        ])
    }
}

/// A message for the outbox: it leaves when the transaction has committed.
///
/// Its key must be the identity of a row that the transaction has locked: that is what makes ids rise in the order of
/// commits for each key.
public struct OutboxRecord: Sendable {
    /// The topic's logical name, such as `deployment.results`.
    public var topic: String
    /// The Kafka key; empty for a message without one.
    public var key: [UInt8]
    /// The headers as ``HeaderBytes`` writes them: most records are written and never looked at.
    let headerBytes: [UInt8]
    /// The value; `nil` is a tombstone.
    public var value: [UInt8]?
    /// Whether only the newest record of the key need leave, as on a compacted topic.
    public var coalesces: Bool
    /// Whether all records of the topic share a shard, whatever their key.
    public var shardsByTopic: Bool

    /// Makes a record of an event.
    public init(topic: String, key: String, event: OutgoingEvent, coalesces: Bool = false) {
        self.topic = topic
        self.key = Array(key.utf8)
        headerBytes = HeaderBytes.encode(event.headers)
        value = event.data
        self.coalesces = coalesces
        shardsByTopic = Self.shardsByTopic(topic)
    }

    /// Makes a record of the newest state of what the key names, as on a compacted topic.
    ///
    /// - Parameters:
    ///   - head: What it has in common with others.
    ///   - key: The key and the event's subject.
    ///   - id: The event's id.
    ///   - revision: The number of the state.
    ///   - data: JSON.
    public init(topic: String, head: EventHead, key: String, id: String, revision: Int64, data: [UInt8]) {
        self.topic = topic
        self.key = Array(key.utf8)
        headerBytes = HeaderBytes.encode(
            [("ce_id", id), ("ce_subject", key), ("ce_revision", String(revision))],
            after: head.headerBytes
        )
        value = data
        coalesces = true
        shardsByTopic = Self.shardsByTopic(topic)
    }

    /// Makes a tombstone, which carries its identity and revision in headers.
    public init(tombstone topic: String, key: String, id: String, source: String, revision: Int64, time: Int64) {
        self.topic = topic
        self.key = Array(key.utf8)
        headerBytes = HeaderBytes.encode([
            ("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", source), ("ce_type", "slipway.tombstone.v1"),
            ("ce_time", RFC3339.format(microseconds: time)), ("ce_revision", String(revision)),
        ])
        value = nil
        coalesces = true
        shardsByTopic = false
    }

    /// Makes a record of raw parts, for dead letters.
    public init(topic: String, key: [UInt8], headers: [(String, [UInt8]?)], value: [UInt8]?) {
        self.topic = topic
        self.key = key
        headerBytes = HeaderBytes.encode(headers)
        self.value = value
        coalesces = false
        shardsByTopic = false
    }

    /// Makes a record of a message that was taken out of the outbox, with the headers as they were stored.
    init(again topic: String, key: [UInt8], headerBytes: [UInt8], value: [UInt8]?) {
        self.topic = topic
        self.key = key
        self.headerBytes = headerBytes
        self.value = value
        coalesces = false
        shardsByTopic = Self.shardsByTopic(topic)
    }

    /// An agent's commands keep one order, whatever their keys.
    private static func shardsByTopic(_ topic: String) -> Bool { topic.hasPrefix("agent.commands.") }

    /// The headers, in order.
    public var headers: [(String, [UInt8]?)] { HeaderBytes.decode(headerBytes) ?? [] }
}
