import Foundation
import Kafka

/// A message on its way to the dead letters of its topic, with the reason in the headers that common tools read.
struct DeadLetter {
    let message: KafkaMessageView
    let reason: Reason
    let group: String
    /// Larger values are cut: a dead letter must itself be deliverable.
    static let maximumValueBytes = 900_000

    init(_ message: KafkaMessageView, reason: Reason, group: String) {
        self.message = message
        self.reason = reason
        self.group = group
    }

    /// The row for the outbox: the original key, value and headers, and both families of reason headers.
    var record: OutboxRecord {
        var headers = message.safeHeaders
        var value = message.valueBytes
        if let bytes = value, bytes.count > Self.maximumValueBytes {
            value = Array(bytes.prefix(Self.maximumValueBytes))
            headers.append(("slipway-truncated-from-bytes", Array(String(bytes.count).utf8)))
        }
        headers += springHeaders + connectHeaders
        headers.append(("slipway-reason-code", Array(reason.code.utf8)))
        if let field = reason.field { headers.append(("slipway-reason-field", Array(field.utf8))) }
        return OutboxRecord(
            topic: message.topic + ".dlt",
            key: message.keyBytes ?? [],
            headers: headers,
            value: value ?? []
        )
    }

    /// As Spring for Apache Kafka writes them: numbers as big-endian bytes.
    private var springHeaders: [(String, [UInt8]?)] {
        [
            ("kafka_dlt-original-topic", Array(message.topic.utf8)),
            ("kafka_dlt-original-partition", bigEndian(message.partition)),
            ("kafka_dlt-original-offset", bigEndian(message.offset)),
            ("kafka_dlt-original-timestamp", bigEndian(message.timestampMilliseconds)),
            ("kafka_dlt-original-timestamp-type", Array((message.isBrokerTime ? "LogAppendTime" : "CreateTime").utf8)),
            ("kafka_dlt-original-consumer-group", Array(group.utf8)),
            ("kafka_dlt-exception-fqcn", Array("slipway.\(reason.code)".utf8)),
            ("kafka_dlt-exception-message", Array(reason.sentence.utf8)),
        ]
    }

    /// As Kafka Connect writes them: everything as text.
    private var connectHeaders: [(String, [UInt8]?)] {
        [
            ("topic", message.topic), ("partition", String(message.partition)), ("offset", String(message.offset)),
            ("connector.name", group), ("task.id", "0"), ("stage", "TASK_PUT"), ("class.name", "slipway"),
            ("exception.class.name", "slipway.\(reason.code)"), ("exception.message", reason.sentence),
        ].map { ("__connect.errors." + $0.0, Array($0.1.utf8)) }
    }

    private func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}

extension KafkaMessageView {
    /// The headers that may be kept: a bearer token never leaves the handler, and what a handler keeps of a parked
    /// message is its own.
    var safeHeaders: [(String, [UInt8]?)] {
        message.headers
            .filter { $0.name.lowercased() != "authorization" && !$0.name.lowercased().hasPrefix(Self.keptPrefix) }
            .map { ($0.name, $0.value) }
    }
}
