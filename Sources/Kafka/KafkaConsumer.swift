import CRdkafka
import Synchronization

/// A member of a consumer group, or a reader of partitions that its owner names; used on one thread.
///
/// Everything but ``poll(timeout:)``'s wait and the calls that say so returns at once. Rebalances are not handled
/// behind the owner's back: ``poll(timeout:)`` returns them and the owner answers with ``assign(_:)`` or
/// ``release(_:)`` when it is ready; until then the group waits (at most `max.poll.interval.ms`) and nothing is
/// delivered. No message is delivered twice while a partition stays assigned, unless ``seek(to:timeout:)`` goes back
/// (or `auto.offset.reset` is set and librdkafka does).
public final class KafkaConsumer {
    var handle: RDKafkaHandle?
    let isCooperative: Bool
    /// Whether an offset behind the delivered ones can only be a repetition; with a reset policy it may be a new
    /// topic's.
    private let dropsRepetitions: Bool
    /// The rebalance the group waits for.
    var owed: KafkaConsumerEvent?
    var assigned: Set<KafkaTopicPartition> = []
    var paused: Set<KafkaTopicPartition> = []
    /// Commits that nobody waits for, once there was one.
    var commits: RDKafkaCommits?
    /// Whether what is stored is to be committed as soon as no commit is under way.
    var owesCommit = false
    var pacing: FetchPacing
    /// How long a broker holds a fetch for which there is nothing.
    let fetchWait: Duration

    /// Joins the group in the background.
    ///
    /// Defaults, each of which `properties` may change: cooperative-sticky assignment, no automatic commit or offset
    /// store, `auto.offset.reset=error`, sessions of 10 s with a heartbeat a second, end-of-partition events, a queue of
    /// about 3,000 messages or 6 MiB, which is filled again when it is half empty, and 10 s after which a broker that does
    /// not answer is connected to anew.
    /// - Parameters:
    ///   - settings: The cluster and any librdkafka property.
    ///   - group: The consumer group.
    ///   - topics: The topics' full names; one that begins with `^` is a regular expression. With none, the consumer
    ///     joins no group and reads what ``assign(_:)`` names; it still may keep its place in the group's offsets.
    ///   - instance: Makes the member static (`group.instance.id`): it keeps its partitions over a restart.
    /// - Throws: A property that is not accepted, by name.
    public init(
        _ settings: KafkaSettings,
        group: String,
        topics: [String],
        instance: String? = nil
    ) throws(KafkaError) {
        var settings = settings
        var defaults = Self.defaults
        defaults["group.id"] = group
        if let instance { defaults["group.instance.id"] = instance }
        if topics.isEmpty {
            // Nothing to share out: whole assignments are named, and they may be made at once.
            settings.properties["partition.assignment.strategy"] = "range"
            settings.properties["group.instance.id"] = nil
        }
        let strategy = settings.properties["partition.assignment.strategy"] ?? "cooperative-sticky"
        let configuration = try RDKafkaConfiguration(settings, defaults: defaults)
        let handle = try RDKafkaHandle(.consumer, configuration, callbacks: RDKafkaCallbacks(settings))
        self.handle = handle
        isCooperative = strategy.contains("cooperative")
        let bound = { name in Int(settings.properties[name] ?? defaults[name] ?? "") ?? 0 }
        pacing = FetchPacing(
            messages: bound("queued.min.messages"),
            bytes: bound("queued.max.messages.kbytes") * 1024
        )
        // librdkafka's default where it is not set.
        fetchWait = .milliseconds(Int(settings.properties["fetch.wait.max.ms"] ?? "") ?? 500)
        dropsRepetitions = settings.properties["auto.offset.reset", default: "error"] == "error"
        try KafkaError.check(rd_kafka_poll_set_consumer(handle.pointer), "create the consumer")
        if !topics.isEmpty {
            let list = RDKafkaPartitionList(topics.map { KafkaTopicPartition(topic: $0, partition: -1) })
            try KafkaError.check(rd_kafka_subscribe(handle.pointer, list.pointer), "subscribe")
            meet(topics, handle)
        }
        // librdkafka 2.0.2 aborts the process when a cooperative consumer is destroyed before its first assignment.
        handle.isDestroyable.store(!isCooperative, ordering: .releasing)
    }

    deinit {
        if handle != nil { _ = close(deadline: .seconds(2)) }
    }

    /// The partitions the owner has assigned and not released, in order.
    public var assignment: [KafkaTopicPartition] { assigned.sorted() }

    /// The newest error librdkafka reported outside any call, such as an unreachable broker; it may be long over.
    public var latestError: KafkaError? { handle?.callbacks.latestError }

    /// Waits for the next event, at most the timeout; returns `nil` when there was none.
    ///
    /// Must be called within `max.poll.interval.ms`, also while all partitions are paused.
    /// - Throws: Only when the consumer is closed; errors of the cluster are events.
    public func poll(timeout: Duration) throws(KafkaError) -> KafkaConsumerEvent? {
        let handle = try open("poll")
        if owesCommit { try? commit(wait: false) }
        if let event = nextRebalance(handle) { return event }
        // First without waiting: while there is a backlog this saves a clock and a wait for each message.
        var limit: Int32 = 0
        while true {
            if let message = rd_kafka_consumer_poll(handle.pointer, limit) {
                if let event = event(consuming: message, handle) { return event }
                continue
            }
            if let event = nextRebalance(handle) { return event }
            if limit == 0 { keepFetching(handle) }
            guard limit == 0, timeout > .zero else { return nil }
            limit = timeout.timeoutMilliseconds
        }
    }

    /// Leaves the group and frees the client; returns `false` when that did not end within the deadline.
    ///
    /// Blocks at most the deadline, plus two seconds in which librdkafka stops its threads. A rebalance not yet
    /// answered is answered by giving everything up. After `false` the rest goes on in the background, and the
    /// client's memory is kept until the process ends; so it is for a cooperative consumer that never had an
    /// assignment (librdkafka 2.0.2 would abort the process). Messages already delivered stay valid. Closing twice is
    /// not an error.
    public func close(deadline: Duration) -> Bool {
        guard let handle else { return true }
        self.handle = nil
        commits = nil
        answerOwedRebalance(handle)
        handle.callbacks.isClosing = true
        assigned = []
        paused = []
        let client = RDKafkaPointer(raw: handle.pointer)
        let isClosed = OwnThread.run(waitingAtMost: deadline) { _ = rd_kafka_consumer_close(client.raw) }
        if !isClosed { handle.isDestroyable.store(false, ordering: .releasing) }
        return isClosed
    }

    /// Has librdkafka look after the leaders of topics from the beginning.
    ///
    /// It asks each second who leads where a leader is away or missing, but only of topics that it has made for itself,
    /// as with an assignment (2.0.2). Before one it would believe for five minutes what it was told first.
    private func meet(_ topics: [String], _ handle: RDKafkaHandle) {
        for topic in topics where !topic.hasPrefix("^") {
            // One that is made stays until the client is freed.
            if let native = rd_kafka_topic_new(handle.pointer, topic, nil) { rd_kafka_topic_destroy(native) }
        }
    }

    func open(_ operation: String) throws(KafkaError) -> RDKafkaHandle {
        guard let handle else { throw KafkaError(.closed, operation: operation, reason: "the consumer is closed") }
        return handle
    }

    private func nextRebalance(_ handle: RDKafkaHandle) -> KafkaConsumerEvent? {
        guard !handle.callbacks.rebalances.isEmpty else { return nil }
        let event = handle.callbacks.rebalances.removeFirst()
        if case .failure = event { return event }
        owed = event
        return event
    }

    private func event(
        consuming message: UnsafeMutablePointer<rd_kafka_message_t>,
        _ handle: RDKafkaHandle
    ) -> KafkaConsumerEvent? {
        let topic = message.pointee.rkt.map { handle.callbacks.topics.topic(of: $0) }
        guard let topic, message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            defer { rd_kafka_message_destroy(message) }
            return failure(message.pointee, topic: topic?.name, handle)
        }
        let (partition, offset) = (message.pointee.partition, message.pointee.offset)
        guard offset >= topic.nextOffset(of: partition) || !dropsRepetitions else {
            rd_kafka_message_destroy(message)  // librdkafka went back behind what was delivered.
            return nil
        }
        topic.expect(offset + 1, in: partition)
        if pacing.took(bytes: message.pointee.len) { keepFetching(handle) }
        return .message(KafkaMessage(consuming: message, topic: topic.name, of: handle))
    }

    private func failure(_ message: rd_kafka_message_t, topic: String?, _ handle: RDKafkaHandle) -> KafkaConsumerEvent {
        let place = topic.map { KafkaTopicPartition(topic: $0, partition: message.partition) }
        if let place, message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
            return .endOfPartition(KafkaPosition(place, offset: message.offset))
        }
        if message.err == RD_KAFKA_RESP_ERR__FATAL, let fatal = handle.fatalError { return .failure(fatal) }
        let text = message.payload.map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: message.len), as: UTF8.self)
        }
        return .failure(
            KafkaError(KafkaError.Code(message.err), operation: "consume", reason: text, topicPartition: place)
        )
    }

    private static let defaults = [
        "partition.assignment.strategy": "cooperative-sticky",
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "enable.partition.eof": "true",
        "auto.offset.reset": "error",
        "session.timeout.ms": "10000",
        "heartbeat.interval.ms": "500",
        // So long, and not librdkafka's minute, a fetch hangs whose packets are lost, without any error.
        "socket.timeout.ms": "10000",
        // What is fetched ahead, and its memory; see FetchPacing for how it is filled again in time.
        "queued.max.messages.kbytes": "6144",
        "queued.min.messages": "3000",
        "fetch.message.max.bytes": "131072",
    ]
}
