import Kafka

/// A row of the outbox as the relay reads it.
struct OutboxRow {
    let id: Int64
    let messages: [OutboxMessage]
}

/// A message of the outbox.
struct OutboxMessage: Equatable {
    let topic: String
    let key: [UInt8]
    /// As ``HeaderBytes`` writes them.
    let headers: [UInt8]
    let value: [UInt8]?
    let coalesces: Bool

    var identity: OutboxKey { OutboxKey(topic: topic, key: key) }

    func record(prefix: String) -> KafkaRecord {
        KafkaRecord(
            topic: prefix + topic,
            partition: nil,
            key: key.isEmpty ? nil : key,
            value: value,
            headers: (HeaderBytes.decode(headers) ?? []).map { KafkaHeader(name: $0.0, value: $0.1) },
            timestampMilliseconds: nil
        )
    }
}

/// What waits in a shard, in the order of the rows' ids.
struct WaitingRows {
    /// The rows before the first that this version cannot read.
    let rows: [OutboxRow]
    /// The first row that this version cannot read: what is behind it waits.
    let unreadable: Int64?

    /// Takes rows in the order of their ids; `nil` is what could not be read.
    init(_ found: [(id: Int64, messages: [OutboxMessage]?)]) {
        unreadable = found.first { $0.messages == nil }?.id
        rows = found.prefix { $0.messages != nil }.map { OutboxRow(id: $0.id, messages: $0.messages ?? []) }
    }
}
