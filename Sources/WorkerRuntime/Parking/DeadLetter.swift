import Foundation
import Kafka

/// A message on its way to the dead letters of its topic, with the reason in the headers that common tools read.
struct DeadLetter {
    let message: KafkaMessageView
    let reason: Reason
    let group: String
    /// Larger values are cut: a dead letter must itself be deliverable, with a million bytes as librdkafka's usual limit.
    static let maximumValueBytes = 900_000
    /// Longer keys are cut.
    static let maximumKeyBytes = 20_000
    /// Where the message's headers take more, the longest are left out.
    static let maximumHeaderBytes = 40_000
    /// Where they do, longer values of them are cut first; and so are longer sentences.
    static let maximumTextBytes = 4_000

    init(_ message: KafkaMessageView, reason: Reason, group: String) {
        self.message = message
        self.reason = reason
        self.group = group
    }

    /// The row for the outbox: the original key, value and headers, and both families of reason headers.
    ///
    /// What was cut says so in a header, and how many bytes there were.
    var record: OutboxRecord {
        let (key, value, original) = (message.keyBytes ?? [], message.valueBytes ?? [], message.safeHeaders)
        let headerBytes = original.reduce(0) { $0 + Self.size(of: $1) }
        var headers = headerBytes > Self.maximumHeaderBytes ? Self.shortened(original) : original
        for (part, count, most) in [
            ("", value.count, Self.maximumValueBytes), ("key-", key.count, Self.maximumKeyBytes),
            ("headers-", headerBytes, Self.maximumHeaderBytes),
        ] where count > most {
            headers.append(("slipway-truncated-\(part)from-bytes", Array(String(count).utf8)))
        }
        headers += springHeaders + connectHeaders
        headers.append(("slipway-reason-code", Array(reason.code.utf8)))
        if let field = reason.field { headers.append(("slipway-reason-field", Self.short(field))) }
        return OutboxRecord(
            topic: message.topic + ".dlt",
            key: Array(key.prefix(Self.maximumKeyBytes)),
            headers: headers,
            value: Array(value.prefix(Self.maximumValueBytes))
        )
    }

    /// Headers with their values cut, and of them as many as there is room for, in their order.
    ///
    /// Attributes of a CloudEvent, which identify it, come before others; then the shorter before the longer.
    private static func shortened(_ headers: [(String, [UInt8]?)]) -> [(String, [UInt8]?)] {
        let cut = headers.map { name, value in (name, value.map { Array($0.prefix(maximumTextBytes)) }) }
        let ranked = cut.indices.sorted { one, other in rank(of: cut[one], at: one) < rank(of: cut[other], at: other) }
        var room = maximumHeaderBytes
        let kept = ranked.prefix { place in
            room -= size(of: cut[place])
            return room >= 0
        }
        return kept.sorted().map { cut[$0] }
    }

    private static func rank(of header: (String, [UInt8]?), at place: Int) -> (Int, Int, Int) {
        (header.0.hasPrefix("ce_") ? 0 : 1, size(of: header), place)
    }

    /// How many bytes a header takes, with its lengths.
    private static func size(of header: (String, [UInt8]?)) -> Int { 6 + header.0.utf8.count + (header.1?.count ?? 0) }

    /// A text as it may be added: what a sender wrote may be part of it.
    private static func short(_ text: String) -> [UInt8] {
        guard text.utf8.count > maximumTextBytes else { return Array(text.utf8) }
        return Array(String(decoding: text.utf8.prefix(maximumTextBytes), as: UTF8.self).utf8)
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
            ("kafka_dlt-exception-message", Self.short(reason.sentence)),
        ]
    }

    /// As Kafka Connect writes them: everything as text.
    private var connectHeaders: [(String, [UInt8]?)] {
        [
            ("topic", message.topic), ("partition", String(message.partition)), ("offset", String(message.offset)),
            ("connector.name", group), ("task.id", "0"), ("stage", "TASK_PUT"), ("class.name", "slipway"),
            ("exception.class.name", "slipway.\(reason.code)"), ("exception.message", reason.sentence),
        ].map { ("__connect.errors." + $0.0, Self.short($0.1)) }
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
