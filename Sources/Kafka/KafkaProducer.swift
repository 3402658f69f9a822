import CRdkafka

/// Sends messages, used on one thread.
///
/// The producer is idempotent: within its life each message is appended once and in order, or reported as failed.
public final class KafkaProducer {
    var handle: RDKafkaHandle?
    /// The topics that were sent to.
    private var met: Set<String> = []
    private var latestTopic = ""

    /// Connects in the background.
    ///
    /// Defaults, each of which `properties` may change: `enable.idempotence=true`, `acks=all`,
    /// `partitioner=murmur2_random` (the partition Java's clients choose), `linger.ms=2`, and a queue of at most 20,000
    /// messages or 16 MiB.
    /// - Parameters:
    ///   - settings: The cluster and any librdkafka property.
    ///   - transactionalID: Makes the producer transactional; the broker refuses an older producer with the same one.
    /// - Throws: A property that is not accepted, by name.
    public init(_ settings: KafkaSettings, transactionalID: String? = nil) throws(KafkaError) {
        var defaults = Self.defaults
        if let transactionalID { defaults["transactional.id"] = transactionalID }
        let configuration = try RDKafkaConfiguration(settings, defaults: defaults)
        handle = try RDKafkaHandle(.producer, configuration, callbacks: RDKafkaCallbacks(settings))
    }

    deinit { close() }

    /// Messages sent and not yet reported by ``poll(timeout:)`` or ``flush(timeout:)``.
    ///
    /// Counted here: librdkafka's own count holds its log lines and errors too.
    public private(set) var outstanding = 0

    /// The error that ended this producer for good, if one did: close it and make another.
    public var fatalError: KafkaError? { handle?.fatalError }

    /// The newest error librdkafka reported outside any call, such as an unreachable broker; it may be long over.
    public var latestError: KafkaError? { handle?.callbacks.latestError }

    /// Takes the message into the local queue and returns at once; its bytes are copied.
    ///
    /// Exactly one ``KafkaDelivery`` with the tag follows from ``poll(timeout:)`` or ``flush(timeout:)`` unless the
    /// producer is closed before.
    /// - Throws: ``KafkaError/isQueueFull`` when the queue has no room: poll and send again;
    ///   ``KafkaError/isPermanentForMessage`` when this message will never be accepted. No delivery follows an error.
    public func send(_ record: KafkaRecord, tag: UInt64) throws(KafkaError) {
        try record.lend { (lent) throws(KafkaError) in
            try send(lent, tag: tag) { headers in
                for header in record.headers { headers.add(header) }
            }
        }
    }

    /// The same for a message whose bytes lie elsewhere: nothing is made of them, and they are copied once.
    ///
    /// - Parameter headers: Adds the headers, in their order.
    public func send(
        _ record: KafkaLentRecord,
        tag: UInt64,
        headers: (inout KafkaHeaderList) -> Void
    ) throws(KafkaError) {
        let handle = try open("send a message")
        if record.topic != latestTopic { meet(record.topic, handle) }
        var list = KafkaHeaderList()
        headers(&list)
        if let error = RDKafkaRecord.produce(record, &list, tag: tag, with: handle.pointer) {
            var failure = KafkaError(consuming: error, operation: "send a message")
            failure.topicPartition = KafkaTopicPartition(topic: record.topic, partition: record.partition ?? -1)
            throw failure
        }
        outstanding += 1
    }

    /// Waits for delivery reports, at most the timeout, and returns what has come.
    public func poll(timeout: Duration) -> [KafkaDelivery] {
        guard let handle else { return [] }
        let limit = handle.callbacks.deliveries.isEmpty ? timeout.timeoutMilliseconds : 0
        rd_kafka_poll(handle.pointer, limit)
        return takeDeliveries(handle)
    }

    /// Sends what is queued without lingering and waits until all of it is reported.
    ///
    /// - Throws: ``KafkaError/Code/timedOut`` when the timeout passed first; the reports so far come with the next
    ///   poll.
    public func flush(timeout: Duration) throws(KafkaError) -> [KafkaDelivery] {
        let handle = try open("flush")
        try KafkaError.check(rd_kafka_flush(handle.pointer, timeout.timeoutMilliseconds), "flush")
        return takeDeliveries(handle)
    }

    /// Whether a broker answers within the timeout; what it says of the topics in use is taken note of.
    public func hasBroker(within timeout: Duration) -> Bool {
        guard let handle else { return false }
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.pointer, 0, nil, &answer, timeout.timeoutMilliseconds)
        if let answer { rd_kafka_metadata_destroy(answer) }
        return code == RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Drops what is queued and on its way; each message is reported as failed by the next poll or flush.
    ///
    /// A message on its way may nevertheless be appended.
    public func purge() {
        guard let handle else { return }
        // The flags are the only thing it could refuse.
        rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    }

    /// Drops what was not flushed and frees the client; blocks at most about two seconds.
    ///
    /// Closing twice is not an error.
    public func close() {
        purge()
        handle = nil
        outstanding = 0
    }

    /// Has librdkafka ask for the partitions of a topic that is new to it.
    ///
    /// A message for an unknown topic does not make it ask (2.0.2): that waits for its look at all topics, once a second,
    /// and with the message its whole transaction. A topic that is made does, and stays until the client is freed.
    private func meet(_ topic: String, _ handle: RDKafkaHandle) {
        latestTopic = topic
        guard met.insert(topic).inserted else { return }
        // Where this fails, sending fails, too, and says why.
        if let native = rd_kafka_topic_new(handle.pointer, topic, nil) { rd_kafka_topic_destroy(native) }
    }

    func open(_ operation: String) throws(KafkaError) -> RDKafkaHandle {
        guard let handle else { throw KafkaError(.closed, operation: operation, reason: "the producer is closed") }
        return handle
    }

    private func takeDeliveries(_ handle: RDKafkaHandle) -> [KafkaDelivery] {
        let deliveries = handle.callbacks.deliveries
        handle.callbacks.deliveries = []
        outstanding -= deliveries.count
        return deliveries
    }

    private static let defaults = [
        "enable.idempotence": "true",
        "acks": "all",
        "partitioner": "murmur2_random",
        "linger.ms": "2",
        "queue.buffering.max.messages": "20000",
        "queue.buffering.max.kbytes": "16384",
    ]
}
