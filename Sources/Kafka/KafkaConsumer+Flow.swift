import CRdkafka

extension KafkaConsumer {
    /// The partitions this consumer paused, in order.
    public var pausedPartitions: [KafkaTopicPartition] { paused.sorted() }

    /// Whether this consumer paused the partition.
    public func isPaused(_ partition: KafkaTopicPartition) -> Bool { paused.contains(partition) }

    /// Stops delivery from the partitions; what librdkafka had fetched is fetched again after ``resume(_:)``.
    ///
    /// Partitions that are not assigned are passed over. The owner has to go on polling.
    public func pause(_ partitions: [KafkaTopicPartition]) throws(KafkaError) {
        let handle = try open("pause partitions")
        let chosen = Set(partitions).intersection(assigned).subtracting(paused)
        guard !chosen.isEmpty else { return }
        let list = RDKafkaPartitionList(chosen.sorted())
        try KafkaError.check(rd_kafka_pause_partitions(handle.pointer, list.pointer), "pause partitions")
        try list.check("pause partitions", ignoring: [.unknownPartition])
        paused.formUnion(chosen)
    }

    /// Goes on with delivery behind the last delivered message.
    ///
    /// Only partitions paused here are resumed: librdkafka 2.0.2 goes back when it resumes others (its issue 4636).
    public func resume(_ partitions: [KafkaTopicPartition]) throws(KafkaError) {
        let handle = try open("resume partitions")
        let chosen = Set(partitions).intersection(paused)
        guard !chosen.isEmpty else { return }
        let list = RDKafkaPartitionList(chosen.sorted())
        try KafkaError.check(rd_kafka_resume_partitions(handle.pointer, list.pointer), "resume partitions")
        try list.check("resume partitions", ignoring: [.unknownPartition])
        paused.subtract(chosen)
    }

    /// Continues at another offset of an assigned partition; nothing from before the call is delivered after it.
    ///
    /// Blocks until librdkafka has begun the seek, at most the timeout. Also how to go on after
    /// ``KafkaError/Code/offsetReset``. A paused partition stays paused.
    public func seek(to position: KafkaPosition, timeout: Duration) throws(KafkaError) {
        let handle = try open("seek")
        let place = position.topicPartition
        guard assigned.contains(place) else {
            throw KafkaError(.state, operation: "seek", reason: "the partition is not assigned", topicPartition: place)
        }
        let code = try begin(position, handle, timeout: timeout)
        switch code {
        case .none: expect(position, handle)
        case .state where owed == nil: try reassign(position)
        default: throw KafkaError(code, operation: "seek", topicPartition: place)
        }
    }

    /// Has librdkafka look again whether its queue has room, where it is time for that; blocks a millisecond at most.
    ///
    /// What makes it look is that it hears from the brokers, so they are asked for where the partitions end.
    func keepFetching(_ handle: RDKafkaHandle) {
        guard let queue = rd_kafka_queue_get_consumer(handle.pointer) else { return }
        defer { rd_kafka_queue_destroy(queue) }
        guard pacing.wantsLook(queued: rd_kafka_queue_length(queue)), !assigned.isEmpty else { return }
        let latest = RDKafkaPartitionList(assigned.map { KafkaPosition($0, offset: -1) })
        // The answer is of no interest, nor whether it comes in time; only that the brokers were asked.
        switch rd_kafka_offsets_for_times(handle.pointer, latest.pointer, 1) {
        case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR__TIMED_OUT: break
        default: pacing.wasNotTold()
        }
    }

    private func begin(
        _ position: KafkaPosition,
        _ handle: RDKafkaHandle,
        timeout: Duration
    ) throws(KafkaError) -> KafkaError.Code {
        let place = position.topicPartition
        guard let topic = rd_kafka_topic_new(handle.pointer, place.topic, nil) else {
            throw KafkaError(KafkaError.Code(rd_kafka_last_error()), operation: "seek", topicPartition: place)
        }
        defer { rd_kafka_topic_destroy(topic) }
        return KafkaError.Code(
            rd_kafka_seek(topic, place.partition, position.offset, timeout.timeoutMilliseconds)
        )
    }

    /// librdkafka seeks only while it fetches: not just after the assignment, nor after a failed offset.
    private func reassign(_ position: KafkaPosition) throws(KafkaError) {
        let wasPaused = isPaused(position.topicPartition)
        try release([position.topicPartition])
        try assign([position])
        if wasPaused { try pause([position.topicPartition]) }
    }
}
