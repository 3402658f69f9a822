import CRdkafka

/// An `rd_kafka_topic_partition_list_t` with one owner.
struct RDKafkaPartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// Takes over a list librdkafka made.
    init(consuming pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        self.pointer = pointer
    }

    init(_ partitions: [KafkaTopicPartition]) {
        self.init(consuming: rd_kafka_topic_partition_list_new(Int32(partitions.count)))
        for partition in partitions {
            rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        }
    }

    init(_ positions: [KafkaPosition]) {
        self.init(consuming: rd_kafka_topic_partition_list_new(Int32(positions.count)))
        for position in positions {
            let (topic, partition) = (position.topicPartition.topic, position.topicPartition.partition)
            rd_kafka_topic_partition_list_add(pointer, topic, partition).pointee.offset = position.offset
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// The elements that have an absolute offset.
    var positions: [KafkaPosition] { Self.positions(of: pointer) }

    /// The elements that have an absolute offset and no error.
    var answers: [KafkaPosition] {
        Self.elements(of: pointer).filter { $0.offset >= 0 && $0.err == RD_KAFKA_RESP_ERR_NO_ERROR }
            .map { KafkaPosition(Self.partition(of: $0), offset: $0.offset) }
    }

    /// Throws the first element's error that is not among the ignored.
    func check(_ operation: String, ignoring ignored: Set<KafkaError.Code> = []) throws(KafkaError) {
        for element in Self.elements(of: pointer) where element.err != RD_KAFKA_RESP_ERR_NO_ERROR {
            let code = KafkaError.Code(element.err)
            guard ignored.contains(code) else {
                throw KafkaError(code, operation: operation, topicPartition: Self.partition(of: element))
            }
        }
    }

    /// The partitions of a list somebody else owns.
    static func partitions(
        of list: UnsafePointer<rd_kafka_topic_partition_list_t>
    ) -> [KafkaTopicPartition] {
        elements(of: list).map { partition(of: $0) }
    }

    /// The elements of a list somebody else owns that have an absolute offset.
    static func positions(of list: UnsafePointer<rd_kafka_topic_partition_list_t>) -> [KafkaPosition] {
        elements(of: list).filter { $0.offset >= 0 }.map { KafkaPosition(partition(of: $0), offset: $0.offset) }
    }

    private static func elements(
        of list: UnsafePointer<rd_kafka_topic_partition_list_t>
    ) -> UnsafeBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt))
    }

    private static func partition(of element: rd_kafka_topic_partition_t) -> KafkaTopicPartition {
        KafkaTopicPartition(topic: String(cString: element.topic), partition: element.partition)
    }
}
