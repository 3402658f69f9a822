import Kafka
import WorkerRuntime

/// A dead letter as the command line reads it.
struct DeadLetterMessage {
    struct Line: Encodable {
        let offset: Int64
        let time: String
        let key: String
        let type: String
        let id: String
        let source: String
        let code: String
        let field: String?
        let reason: String
        let bytes: Int
    }

    let message: KafkaMessage
    let topic: String

    init(_ message: KafkaMessage, topic: String) {
        self.message = message
        self.topic = topic
    }

    var key: String { message.key ?? "" }
    var code: String { message.header("slipway-reason-code") ?? "" }
    var isCut: Bool { message.headers.contains { $0.name.hasPrefix("slipway-truncated-") } }
    /// Where the message lay when it was given up; of a letter that does not say, where the letter lies.
    var place: ReplayedLetters.Place {
        guard let partition = message.header("__connect.errors.partition").flatMap({ Int32($0) }),
            let offset = message.header("__connect.errors.offset").flatMap({ Int64($0) })
        else {
            let time = message.timestamp.millisecondsSince1970
            return ReplayedLetters.Place(partition: -1, offset: message.offset, timestamp: time)
        }
        let time = message.headers.last { $0.name == "kafka_dlt-original-timestamp" }?.value ?? []
        return ReplayedLetters.Place(partition: partition, offset: offset, timestamp: Self.number(time))
    }

    var line: Line {
        Line(
            offset: message.offset,
            time: Parked.time(message.timestamp.millisecondsSince1970 * 1000),
            key: key,
            type: message.header("ce_type") ?? "",
            id: message.header("ce_id") ?? "",
            source: message.header("ce_source") ?? "",
            code: code,
            field: message.header("slipway-reason-field"),
            reason: message.header("__connect.errors.exception.message") ?? "",
            bytes: message.valueCount
        )
    }

    /// The message as it first came, without what was added when it was given up.
    func record(to topic: String, token: String?) -> KafkaRecord {
        let added = ["kafka_dlt-", "__connect.errors.", "slipway-reason-", "slipway-truncated-"]
        var headers = message.headers.filter { header in !added.contains { header.name.hasPrefix($0) } }
        if self.topic == "deployment.requests", let token {
            headers.append(KafkaHeader("authorization", "Bearer \(token)"))
        }
        return KafkaRecord(topic: topic, key: message.keyBytes, value: message.valueBytes, headers: headers)
    }

    /// A header's bytes as text where they are one, as a number where they are bytes of one.
    static func readable(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !text.contains("\0") { return text }
        return String(number(bytes))
    }

    private static func number(_ bytes: [UInt8]) -> Int64 { bytes.reduce(0) { $0 << 8 | Int64($1) } }
}
