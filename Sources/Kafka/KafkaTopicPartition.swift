/// One partition of one topic; ordered by topic, then by number.
public struct KafkaTopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The topic's full name.
    public var topic: String
    /// The partition's number, from 0.
    public var partition: Int32

    /// Names a partition.
    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// The partition as Kafka's tools write it, `topic-0`.
    public var description: String { "\(topic)-\(partition)" }

    /// Orders by topic, then by partition number: the order in which locks are taken.
    public static func < (left: Self, right: Self) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }
}
