import CRdkafka

extension KafkaConsumer {
    /// Asks the group whether this consumer is a member now, by committing the positions.
    ///
    /// Blocks until the coordinator answered, at most the timeout. An assignment may have waited in this client long
    /// after the group gave the partitions to others; only the coordinator knows. Without positions nothing is asked.
    /// - Throws: ``KafkaError/isStaleMember`` when the group does not know the member (any more),
    ///   ``KafkaError/isRebalanceInProgress`` when to poll and ask again, otherwise what kept the question from being
    ///   answered.
    public func proveMembership(
        _ positions: [KafkaPosition],
        timeout: Duration = .seconds(5)
    ) throws(KafkaError) {
        let handle = try open("prove the membership")
        guard !positions.isEmpty else { return }
        // Without a member id the broker would take the commit for one of a consumer outside the group.
        guard hasMemberID(handle) else { throw KafkaError(.unknownMember, operation: "prove the membership") }
        let list = RDKafkaPartitionList(positions)
        try commit(list.pointer, handle, timeout: timeout, operation: "prove the membership")
    }

    /// Notes where the next ``commit(wait:timeout:)`` stands for the partition.
    ///
    /// A partition that is not assigned any more is not an error: its new owner commits.
    public func storeOffset(_ position: KafkaPosition) throws(KafkaError) {
        try storeOffsets([position])
    }

    /// Notes several offsets in one call; see ``storeOffset(_:)``.
    public func storeOffsets(_ positions: [KafkaPosition]) throws(KafkaError) {
        let handle = try open("store offsets")
        guard !positions.isEmpty else { return }
        let list = RDKafkaPartitionList(positions)
        let code = KafkaError.Code(rd_kafka_offsets_store(handle.pointer, list.pointer))
        guard code != .none else { return }
        let notMine: Set<KafkaError.Code> = [.state, .unknownPartition]
        try list.check("store offsets", ignoring: notMine)
        guard notMine.contains(code) else { throw KafkaError(code, operation: "store offsets") }
    }

    /// Commits the stored offsets of the assignment; nothing new to commit is not an error.
    ///
    /// Without waiting it returns at once and a failure is only logged; while another such commit is under way it is put
    /// off to a poll after that one's end.
    public func commit(wait: Bool, timeout: Duration = .seconds(5)) throws(KafkaError) {
        let handle = try open("commit offsets")
        guard !wait else { return try commit(nil, handle, timeout: timeout, operation: "commit offsets") }
        let commits = commits ?? RDKafkaCommits(handle)
        self.commits = commits
        owesCommit = try !commits.begin()
    }

    /// The partitions of a topic, asked from the cluster; blocks at most the timeout.
    ///
    /// There are none where the topic is not there.
    public func partitions(of topic: String, timeout: Duration) throws(KafkaError) -> [KafkaTopicPartition] {
        let handle = try open("read a topic's partitions")
        guard let native = rd_kafka_topic_new(handle.pointer, topic, nil) else {
            throw KafkaError(KafkaError.Code(rd_kafka_last_error()), operation: "read a topic's partitions")
        }
        defer { rd_kafka_topic_destroy(native) }
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.pointer, 0, native, &answer, timeout.timeoutMilliseconds)
        try KafkaError.check(code, "read a topic's partitions")
        guard let answer else { throw KafkaError(.timedOut, operation: "read a topic's partitions") }
        defer { rd_kafka_metadata_destroy(answer) }
        let count = KafkaMetadata(answer.pointee).topic(topic)?.partitionCount ?? 0
        return (0..<Int32(count)).map { KafkaTopicPartition(topic: topic, partition: $0) }
    }

    /// The ends of a partition, asked from its leader; blocks at most the timeout.
    public func watermarks(
        of partition: KafkaTopicPartition,
        timeout: Duration
    ) throws(KafkaError) -> KafkaWatermarks {
        try open("read the watermarks").watermarks(of: partition, timeout: timeout)
    }

    /// Where partitions end, asked from their leaders at once; blocks at most the timeout.
    ///
    /// A partition whose leader did not answer in half of it is left out; where none did, that is an error.
    public func ends(
        of partitions: [KafkaTopicPartition],
        timeout: Duration
    ) throws(KafkaError) -> [KafkaTopicPartition: Int64] {
        try open("read the watermarks").offsets(of: partitions, at: .end, timeout: timeout)
    }

    /// Asks leaders where partitions end, as ``ends(of:timeout:)`` does, without waiting for them.
    ///
    /// - Parameter timeout: How long they may take beyond what their fetches may wait for messages (`fetch.wait.max.ms`).
    public func askForEnds(
        of partitions: [KafkaTopicPartition],
        timeout: Duration
    ) throws(KafkaError) -> KafkaEndsQuestion {
        let handle = try open("read the watermarks")
        // Twice: where one of them does not answer, each is asked once more by itself.
        let limit = timeout + fetchWait * 2
        // A thread that could not be made answers nothing.
        let question = KafkaEndsQuestion(deadline: ContinuousClock.now + limit + .seconds(5))
        _ = OwnThread.run(waitingAtMost: .zero) {
            do throws(KafkaError) {
                question.take(.success(try handle.offsets(of: partitions, at: .end, timeout: limit)))
            } catch {
                question.take(.failure(error))
            }
        }
        return question
    }

    /// The group's committed offsets, asked from the coordinator; blocks at most the timeout.
    ///
    /// Partitions without one are left out.
    public func committed(
        _ partitions: [KafkaTopicPartition],
        timeout: Duration
    ) throws(KafkaError) -> [KafkaPosition] {
        let handle = try open("read the committed offsets")
        let list = RDKafkaPartitionList(partitions)
        let code = rd_kafka_committed(handle.pointer, list.pointer, timeout.timeoutMilliseconds)
        try KafkaError.check(code, "read the committed offsets")
        try list.check("read the committed offsets")
        return list.positions
    }

    private func hasMemberID(_ handle: RDKafkaHandle) -> Bool {
        guard let member = rd_kafka_memberid(handle.pointer) else { return false }
        defer { rd_kafka_mem_free(handle.pointer, member) }
        return member.pointee != 0
    }

    /// Commits and waits; `nil` stands for the stored offsets of the assignment.
    private func commit(
        _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
        _ handle: RDKafkaHandle,
        timeout: Duration,
        operation: String
    ) throws(KafkaError) {
        let queue: OpaquePointer = rd_kafka_queue_new(handle.pointer)
        defer { rd_kafka_queue_destroy(queue) }
        try KafkaError.check(rd_kafka_commit_queue(handle.pointer, list, queue, nil, nil), operation)
        guard let event = rd_kafka_queue_poll(queue, timeout.timeoutMilliseconds) else {
            throw KafkaError(.timedOut, operation: operation)
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        if list == nil, code == RD_KAFKA_RESP_ERR__NO_OFFSET { return }
        try KafkaError.check(code, operation)
        guard let answered = rd_kafka_event_topic_partition_list(event) else { return }
        for element in UnsafeBufferPointer(start: answered.pointee.elems, count: Int(answered.pointee.cnt))
        where element.offset >= 0 { try KafkaError.check(element.err, operation) }
    }
}

extension RDKafkaHandle {
    /// A place in every partition that its leader is asked for, as Kafka numbers it.
    enum Place: Int64 {
        case end = -1
        case beginning = -2
    }

    func watermarks(of partition: KafkaTopicPartition, timeout: Duration) throws(KafkaError) -> KafkaWatermarks {
        let until = ContinuousClock.now + timeout
        let low = try offsets(of: [partition], at: .beginning, timeout: timeout)
        let high = try offsets(of: [partition], at: .end, timeout: max(.zero, until - .now))
        guard let low = low[partition], let high = high[partition] else {
            throw KafkaError(.timedOut, operation: "read the watermarks", topicPartition: partition)
        }
        return KafkaWatermarks(low: low, high: high)
    }

    /// Asks leaders for offsets; partitions without an answer in time are left out, as long as there is any.
    ///
    /// librdkafka tells of no answer where one of the leaders gave none. So then each leader is asked by itself.
    func offsets(
        of partitions: [KafkaTopicPartition],
        at place: Place,
        timeout: Duration
    ) throws(KafkaError) -> [KafkaTopicPartition: Int64] {
        guard partitions.count > 1 else { return try jointOffsets(of: partitions, at: place, timeout: timeout) }
        let until = ContinuousClock.now + timeout
        do throws(KafkaError) {
            return try jointOffsets(of: partitions, at: place, timeout: timeout / 2)
        } catch {
            let found = offsetsByLeader(of: partitions, at: place, until: until)
            if found.isEmpty { throw error }
            return found
        }
    }

    private func offsetsByLeader(
        of partitions: [KafkaTopicPartition],
        at place: Place,
        until: ContinuousClock.Instant
    ) -> [KafkaTopicPartition: Int64] {
        let time = until - ContinuousClock.now
        let leaders = leaders(within: time / 2)
        let groups = Dictionary(grouping: partitions.filter { leaders[$0] != nil }) { leaders[$0] ?? -1 }
        var found: [KafkaTopicPartition: Int64] = [:]
        for (asked, group) in groups.sorted(by: { $0.key < $1.key }).enumerated() {
            let left = until - ContinuousClock.now
            guard left > .zero else { break }
            let answers = try? jointOffsets(of: group.value, at: place, timeout: left / (groups.count - asked))
            for (partition, offset) in answers ?? [:] { found[partition] = offset }
        }
        return found
    }

    /// Who leads the partitions of the topics in use, as any broker says; none where no broker does in time.
    private func leaders(within timeout: Duration) -> [KafkaTopicPartition: Int32] {
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(pointer, 0, nil, &answer, max(.zero, timeout).timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else { return [:] }
        defer { rd_kafka_metadata_destroy(answer) }
        var leaders: [KafkaTopicPartition: Int32] = [:]
        for topic in KafkaMetadata(answer.pointee).topics {
            for (partition, leader) in topic.leaders {
                leaders[KafkaTopicPartition(topic: topic.name, partition: partition)] = leader
            }
        }
        return leaders
    }

    /// Asks all leaders at once.
    ///
    /// `rd_kafka_query_watermark_offsets` is not used: up to version 2.2 it waits for a broker that is away, however long
    /// that takes, whatever its timeout says.
    private func jointOffsets(
        of partitions: [KafkaTopicPartition],
        at place: Place,
        timeout: Duration
    ) throws(KafkaError) -> [KafkaTopicPartition: Int64] {
        guard !partitions.isEmpty else { return [:] }
        let operation = "read the watermarks"
        let list = RDKafkaPartitionList(partitions.map { KafkaPosition($0, offset: place.rawValue) })
        let code = rd_kafka_offsets_for_times(pointer, list.pointer, timeout.timeoutMilliseconds)
        let answers = list.answers
        if answers.isEmpty {
            // What was under way when the time was over is told of as in progress.
            try list.check(operation, ignoring: [.inProgress])
            let isUnsaid = code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__IN_PROGRESS
            throw KafkaError(
                isUnsaid ? .timedOut : KafkaError.Code(code),
                operation: operation,
                topicPartition: partitions.count == 1 ? partitions[0] : nil
            )
        }
        return Dictionary(answers.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }
}
