import Kafka
import Postgres

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

extension OutboxRow {
    /// Reads the columns id and content.
    init(_ row: PostgresRow) throws {
        id = try row.int64(0)
        guard let messages = try row.withBytes(1, OutboxContent.messages) else {
            throw StartError("The outbox's row \(id) is not of the form that this version reads; see outbox_messages.")
        }
        self.messages = messages
    }
}
