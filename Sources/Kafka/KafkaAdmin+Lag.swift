import CRdkafka

extension KafkaAdmin {
    /// How far the group has come in each partition of the topics, in order.
    ///
    /// Asks the coordinator once and each partition's leader once; the timeout is for each of these questions. Topics
    /// the cluster does not have are left out.
    public func lag(group: String, topics: [String], timeout: Duration) throws(KafkaError) -> [KafkaPartitionLag] {
        let metadata = try metadata(timeout: timeout)
        let partitions = topics.flatMap { name in
            (0..<(metadata.topic(name)?.partitionCount ?? 0))
                .map { KafkaTopicPartition(topic: name, partition: Int32($0)) }
        }
        guard !partitions.isEmpty else { return [] }
        let handle = try open("read the group's lag")
        let committed = try committed(group: group, partitions.sorted(), timeout: timeout)
        var lags: [KafkaPartitionLag] = []
        for partition in partitions.sorted() {
            let marks = try handle.watermarks(of: partition, timeout: timeout)
            let offset = committed.first { $0.topicPartition == partition }?.offset
            lags.append(KafkaPartitionLag(topicPartition: partition, committed: offset, watermarks: marks))
        }
        return lags
    }

    /// The group's committed offsets; partitions without one are left out.
    public func committed(
        group: String,
        _ partitions: [KafkaTopicPartition],
        timeout: Duration
    ) throws(KafkaError) -> [KafkaPosition] {
        let operation = "read the group's offsets"
        let list = RDKafkaPartitionList(partitions)
        guard let question = rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer) else {
            throw KafkaError(.invalidArgument, operation: operation)
        }
        defer { rd_kafka_ListConsumerGroupOffsets_destroy(question) }
        var questions: [OpaquePointer?] = [question]
        let event = try request(operation, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout: timeout) {
            rd_kafka_ListConsumerGroupOffsets($0, &questions, 1, $1, $2)
        }
        var count = 0
        let result = rd_kafka_event_ListConsumerGroupOffsets_result(event.pointer)
        let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count)
        guard count > 0, let answer = groups?[0] else { return [] }
        if let error = rd_kafka_group_result_error(answer) {
            let reason = String(cString: rd_kafka_error_string(error))
            throw KafkaError(KafkaError.Code(rd_kafka_error_code(error)), operation: operation, reason: reason)
        }
        guard let answered = rd_kafka_group_result_partitions(answer) else { return [] }
        return RDKafkaPartitionList.positions(of: answered)
    }
}
