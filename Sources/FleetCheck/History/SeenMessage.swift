import Foundation
package import Kafka

/// A message as it lies on a topic.
package struct SeenMessage: Codable, Sendable, Hashable {
    /// The topic without the fleet's prefix.
    package var topic: String
    package var partition: Int32
    package var offset: Int64
    package var key: String
    /// Those headers that are text.
    package var headers: [String: String]
    /// The value where it is text; none of a tombstone.
    package var text: String?
    /// The value in base64 where it is no text.
    package var base64: String?

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
        guard let value = message.valueBytes else { return }
        text = String(validating: value, as: UTF8.self)
        base64 = text == nil ? Data(value).base64EncodedString() : nil
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
