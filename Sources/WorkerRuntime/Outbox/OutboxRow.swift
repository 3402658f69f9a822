import Kafka
import Postgres

/// A row of the outbox as the relay reads it.
struct OutboxRow {
    let id: Int64
    let topic: String
    let key: [UInt8]
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

extension OutboxRow {
    /// Reads the columns.
    init(_ row: PostgresRow) throws {
        id = try row.int64(0)
        topic = try row.string(1)
        key = try row.bytes(2)
        headers = try row.bytes(3)
        value = try row.optionalBytes(4)
        coalesces = try row.bool(5)
    }
}
