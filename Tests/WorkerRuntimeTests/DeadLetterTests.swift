import Kafka
import Testing

@testable import WorkerRuntime

/// A dead letter fits whatever it is made of, and says what was cut.
@Suite struct DeadLetterTests {
    private static let added = ["kafka_dlt-", "__connect.errors.", "slipway-reason-"]

    private func record(
        key: [UInt8]? = nil,
        headers: [KafkaHeader] = [],
        value: [UInt8]? = nil,
        reason: Reason = Reason(code: "internal_error", sentence: "It failed.")
    ) -> OutboxRecord {
        let message = KafkaMessage(topic: "t.release.events", key: key, value: value, headers: headers)
        return DeadLetter(KafkaMessageView(message, topic: "release.events"), reason: reason, group: "group").record
    }

    /// The headers without those that every dead letter has.
    private func headers(of record: OutboxRecord) -> [KafkaHeader] {
        record.headers.map { KafkaHeader(name: $0.0, value: $0.1) }
            .filter { header in !Self.added.contains { header.name.hasPrefix($0) } }
    }

    @Test func `a message of usual size is kept as it is, its headers in their order`() {
        let kept = [
            KafkaHeader("x", "1"), KafkaHeader(name: "none", value: nil), KafkaHeader("ce_id", "7"),
            KafkaHeader("x", "2"), KafkaHeader("long", String(repeating: "l", count: 30_000)),
        ]
        let record = record(key: Array("key".utf8), headers: kept, value: [1, 2])
        #expect(record.topic == "release.events.dlt")
        #expect(record.key == Array("key".utf8))
        #expect(record.value == [1, 2])
        #expect(headers(of: record) == kept)
    }

    @Test func `of headers that are too large values are cut and the longest left out, the attributes last`() {
        let many = (0..<40).map { KafkaHeader("x-\($0)", String(repeating: "x", count: 1_500)) }
        let large = KafkaHeader("large", String(repeating: "l", count: 700_000))
        let id = KafkaHeader("ce_id", String(repeating: "i", count: 300_000))
        let given = [large] + many + [id, KafkaHeader("small", "1")]
        let left = headers(of: record(headers: given))
        let bytes = given.reduce(0) { $0 + 6 + $1.name.utf8.count + ($1.value?.count ?? 0) }
        #expect(left.last == KafkaHeader("slipway-truncated-headers-from-bytes", "\(bytes)"))
        #expect(left.first == many.first)
        #expect(left.suffix(3).first?.name == "ce_id")
        #expect(left.suffix(3).first?.value == Array(repeating: UInt8(ascii: "i"), count: DeadLetter.maximumTextBytes))
        #expect(left.suffix(2).first == KafkaHeader("small", "1"))
        #expect(!left.contains { $0.name == "large" })
        #expect(left.count > 20 && left.count < many.count)
        #expect(left.dropLast(3) == many.prefix(left.count - 3))
    }

    @Test func `a dead letter of whatever size is taken by a producer as operators have it`() throws {
        let broker = try KafkaMockCluster()
        let long = String(repeating: "ü", count: 600_000)
        let many = (0..<500).map { KafkaHeader("x-\($0)", String(repeating: "ü", count: 2_000)) }
        let record = record(
            key: Array(long.utf8),
            headers: many + [KafkaHeader("ce_id", long)],
            value: Array(long.utf8),
            reason: Reason(code: "invalid_field", sentence: long, field: long)
        )
        #expect(record.key.count == DeadLetter.maximumKeyBytes)
        #expect(record.value?.count == DeadLetter.maximumValueBytes)
        let cut = headers(of: record).map(\.name).filter { $0.hasPrefix("slipway-truncated-") }
        #expect(cut == ["", "key-", "headers-"].map { "slipway-truncated-\($0)from-bytes" })
        let producer = try KafkaProducer(broker.settings)
        try producer.send(
            KafkaRecord(
                topic: record.topic,
                key: record.key,
                value: record.value,
                headers: record.headers.map { KafkaHeader(name: $0.0, value: $0.1) }
            ),
            tag: 1
        )
        let deliveries = try producer.flush(timeout: .seconds(60))
        #expect(deliveries.count == 1)
        #expect(deliveries.allSatisfy { $0.error == nil })
        producer.close()
    }
}
