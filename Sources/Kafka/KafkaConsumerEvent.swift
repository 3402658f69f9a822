/// What a poll of a ``KafkaConsumer`` brought.
public enum KafkaConsumerEvent: Sendable {
    /// One message.
    case message(KafkaMessage)
    /// The group gives these partitions; nothing is read from them before
    /// ``KafkaConsumer/assign(_:)`` has answered, also when the list is empty.
    case assigned([KafkaTopicPartition])
    /// The group takes these partitions back; the rebalance waits for ``KafkaConsumer/release(_:)``.
    ///
    /// `isLost` means that the membership is already gone and others may own the partitions: commits fail.
    case revoked([KafkaTopicPartition], isLost: Bool)
    /// Everything the partition held was delivered; the position is the next offset.
    case endOfPartition(KafkaPosition)
    /// An error that did not end the consumer, unless ``KafkaError/isFatal``.
    case failure(KafkaError)
}
