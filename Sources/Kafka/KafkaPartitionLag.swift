/// How far a group has come in one partition.
public struct KafkaPartitionLag: Hashable, Sendable {
    /// The partition.
    public var topicPartition: KafkaTopicPartition
    /// The group's committed offset; `nil` when it has none.
    public var committed: Int64?
    /// The ends of the partition.
    public var watermarks: KafkaWatermarks

    /// How many offsets lie between the group and the end, counted from the low watermark without a commit.
    public var lag: Int64 { max(0, watermarks.high - max(committed ?? watermarks.low, watermarks.low)) }
}
