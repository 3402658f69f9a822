/// A place in a partition: the offset of the next message to read.
public struct KafkaPosition: Hashable, Sendable, CustomStringConvertible {
    /// The partition.
    public var topicPartition: KafkaTopicPartition
    /// The offset of the next message to read, or one of ``beginning`` and ``end``.
    public var offset: Int64

    /// The lowest offset the broker still has (librdkafka's logical offset −2).
    public static let beginning: Int64 = -2
    /// Behind the newest message (librdkafka's logical offset −1).
    public static let end: Int64 = -1

    /// Names a place in a partition.
    public init(_ topicPartition: KafkaTopicPartition, offset: Int64) {
        self.topicPartition = topicPartition
        self.offset = offset
    }

    /// The place as `topic-0@42`.
    public var description: String { "\(topicPartition)@\(offset)" }
}
