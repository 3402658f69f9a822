import Foundation
package import Kafka

/// A message as it lies on a topic.
///
/// A class, since each invariant goes through all messages, and a copy of a structure counts a reference to each text in it.
package final class SeenMessage: Codable, Sendable, Equatable {
    /// The topic without the fleet's prefix.
    package let topic: String
    package let partition: Int32
    package let offset: Int64
    package let key: String
    /// Those headers that are text.
    package let headers: [String: String]
    /// The value where it is text; none of a tombstone.
    package let text: String?
    /// The value in base64 where it is no text.
    package let base64: String?

    package init(
        topic: String,
        partition: Int32 = 0,
        offset: Int64,
        key: String,
        headers: [String: String],
        text: String?
    ) {
        (self.topic, self.partition, self.offset, self.key) = (topic, partition, offset, key)
        (self.headers, self.text) = (headers, text)
        base64 = nil
    }

    package init(_ message: KafkaMessage, prefix: String) {
        topic = message.topic.hasPrefix(prefix) ? String(message.topic.dropFirst(prefix.count)) : message.topic
        partition = message.partition
        offset = message.offset
        key = String(decoding: message.keyBytes ?? [], as: UTF8.self)
        var headers: [String: String] = [:]
        for header in message.headers where header.name != "authorization" {
            headers[header.name] = header.value.flatMap { String(validating: $0, as: UTF8.self) }
        }
        self.headers = headers
        let value = message.valueBytes
        let text = value.flatMap { String(validating: $0, as: UTF8.self) }
        self.text = text
        base64 = text == nil ? value.map { Data($0).base64EncodedString() } : nil
    }

    package static func == (left: SeenMessage, right: SeenMessage) -> Bool {
        left.place == right.place && left.key == right.key && left.headers == right.headers && left.text == right.text
            && left.base64 == right.base64
    }

    /// Where it lies.
    package var place: Place { Place(topic: topic, partition: partition, offset: offset) }
    package var id: String? { headers["ce_id"] }
    package var source: String? { headers["ce_source"] }
    package var type: String { headers["ce_type"] ?? "" }
    package var isTombstone: Bool { text == nil && base64 == nil }
    /// Of a status or a result: which of its subject it is.
    package var revision: Int64? { headers["ce_revision"].flatMap { Int64($0) } }
    /// Of an agent's message: its boot, and its number among what the boot said.
    package var position: StreamPosition? {
        guard let epoch = headers["ce_epoch"].flatMap({ Int64($0) }),
            let sequence = headers["ce_sequence"].flatMap({ Int64($0) })
        else { return nil }
        return StreamPosition(epoch: epoch, sequence: sequence)
    }
    /// Of a request: whether it asks what would happen, and not to have it done.
    var isDryRun: Bool {
        struct Question: Decodable {
            let dryRun: Bool?
        }
        guard text?.contains("dryRun") == true else { return false }
        return decoded(Question.self)?.dryRun == true
    }

    /// The value as some structure; none where it has another.
    func decoded<Value: Decodable>(_ type: Value.Type) -> Value? {
        text.flatMap { try? JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
    }
}

/// Where a message lies.
package struct Place: Sendable, Hashable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64

    /// Whether it lies before another place of its topic, for messages of one key: where they lie in two partitions, the higher
    /// one was added later.
    func isBefore(_ other: Place) -> Bool { (partition, offset) < (other.partition, other.offset) }
}

/// A number within what one boot of an agent says; boots by their order.
package struct StreamPosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var epoch: Int64
    package var sequence: Int64

    package init(epoch: Int64, sequence: Int64) {
        (self.epoch, self.sequence) = (epoch, sequence)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.epoch, left.sequence) < (right.epoch, right.sequence)
    }

    package var description: String { "\(epoch)/\(sequence)" }
}
