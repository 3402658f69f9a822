import CRdkafka
import Synchronization

/// Looks at a cluster and changes its topics, used on one thread; every call blocks at most its timeout.
public final class KafkaAdmin {
    private var handle: RDKafkaHandle?

    /// Connects in the background.
    ///
    /// - Throws: A property that is not accepted, by name.
    public init(_ settings: KafkaSettings) throws(KafkaError) {
        let configuration = try RDKafkaConfiguration(settings, defaults: [:])
        handle = try RDKafkaHandle(.admin, configuration, callbacks: RDKafkaCallbacks(settings))
    }

    /// Frees the client; blocks at most about two seconds.
    ///
    /// Closing twice is not an error.
    public func close() {
        handle = nil
    }

    /// Frees the client in the background; for those who have no time to wait for it.
    public func closeWithoutWaiting() {
        if let handle { handle.isWaitedFor.store(false, ordering: .releasing) }
        handle = nil
    }

    /// The brokers and all topics.
    public func metadata(timeout: Duration) throws(KafkaError) -> KafkaMetadata {
        try metadata(of: nil, timeout: timeout)
    }

    /// What the broker says of one topic, also of one that the principal may not see.
    ///
    /// A broker from before Kafka 0.11, and the mock cluster, make a topic that is asked for by name.
    public func metadata(of topic: String, timeout: Duration) throws(KafkaError) -> KafkaMetadata {
        let handle = try open("read a topic's metadata")
        guard let native = rd_kafka_topic_new(handle.pointer, topic, nil) else {
            throw KafkaError(.invalidTopic, operation: "read a topic's metadata", reason: topic)
        }
        defer { rd_kafka_topic_destroy(native) }
        return try metadata(of: native, timeout: timeout)
    }

    private func metadata(of topic: OpaquePointer?, timeout: Duration) throws(KafkaError) -> KafkaMetadata {
        let handle = try open("read the cluster's metadata")
        var answer: UnsafePointer<rd_kafka_metadata>?
        let all: Int32 = topic == nil ? 1 : 0
        let code = rd_kafka_metadata(handle.pointer, all, topic, &answer, timeout.timeoutMilliseconds)
        try KafkaError.check(code, "read the cluster's metadata")
        guard let answer else { throw KafkaError(.timedOut, operation: "read the cluster's metadata") }
        defer { rd_kafka_metadata_destroy(answer) }
        return KafkaMetadata(answer.pointee)
    }

    /// Creates topics; the first one that could not be created is thrown, after all were tried.
    ///
    /// A topic that exists is ``KafkaError/Code/topicAlreadyExists``.
    public func createTopics(_ topics: [KafkaTopicDefinition], timeout: Duration) throws(KafkaError) {
        var natives: [OpaquePointer?] = []
        defer { natives.forEach { rd_kafka_NewTopic_destroy($0) } }
        for topic in topics { natives.append(try Self.makeTopic(topic)) }
        let event = try request("create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout: timeout) {
            rd_kafka_CreateTopics($0, &natives, natives.count, $1, $2)
        }
        var count = 0
        let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.pointer), &count)
        try Self.check(results, count, "create the topic")
    }

    /// Grows a topic to that many partitions; keys then go to other partitions than before.
    public func createPartitions(_ topic: String, total: Int, timeout: Duration) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        guard let native = rd_kafka_NewPartitions_new(topic, total, &text, text.count) else {
            throw KafkaError(.invalidPartitions, operation: "add partitions", reason: String(cText: text))
        }
        defer { rd_kafka_NewPartitions_destroy(native) }
        var natives: [OpaquePointer?] = [native]
        let event = try request("add partitions", RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, timeout: timeout) {
            rd_kafka_CreatePartitions($0, &natives, 1, $1, $2)
        }
        let result = rd_kafka_event_CreatePartitions_result(event.pointer)
        var count = 0
        try Self.check(rd_kafka_CreatePartitions_result_topics(result, &count), count, "add partitions to the topic")
    }

    func open(_ operation: String) throws(KafkaError) -> RDKafkaHandle {
        guard let handle else { throw KafkaError(.closed, operation: operation, reason: "the admin client is closed") }
        return handle
    }

    /// Sends one admin request and waits for its answer.
    func request(
        _ operation: String,
        _ kind: rd_kafka_admin_op_t,
        timeout: Duration,
        _ send: (_ client: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
    ) throws(KafkaError) -> RDKafkaEvent {
        let handle = try open(operation)
        let options = rd_kafka_AdminOptions_new(handle.pointer, kind)
        defer { rd_kafka_AdminOptions_destroy(options) }
        var text = [CChar](repeating: 0, count: 512)
        let milliseconds = timeout.timeoutMilliseconds
        let limit = rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, &text, text.count)
        try KafkaError.check(limit, operation)
        let queue = rd_kafka_queue_new(handle.pointer)
        defer { rd_kafka_queue_destroy(queue) }
        send(handle.pointer, options, queue)
        // librdkafka ends the request by the timeout; the second covers the answer's way through its queue.
        guard let answer = rd_kafka_queue_poll(queue, (timeout + .seconds(1)).timeoutMilliseconds) else {
            throw KafkaError(.timedOut, operation: operation)
        }
        let event = RDKafkaEvent(consuming: answer)
        let code = rd_kafka_event_error(answer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let reason = rd_kafka_event_error_string(answer).map { String(cString: $0) }
            throw KafkaError(KafkaError.Code(code), operation: operation, reason: reason)
        }
        return event
    }

    private static func makeTopic(_ topic: KafkaTopicDefinition) throws(KafkaError) -> OpaquePointer {
        var text = [CChar](repeating: 0, count: 512)
        let (partitions, replicas) = (Int32(topic.partitions), Int32(topic.replicationFactor))
        guard let native = rd_kafka_NewTopic_new(topic.name, partitions, replicas, &text, text.count) else {
            let reason = "\(topic.name): \(String(cText: text))"
            throw KafkaError(.invalidArgument, operation: "create the topic", reason: reason)
        }
        for (name, value) in topic.configuration { rd_kafka_NewTopic_set_config(native, name, value) }
        return native
    }

    private static func check(
        _ results: UnsafeMutablePointer<OpaquePointer?>?,
        _ count: Int,
        _ operation: String
    ) throws(KafkaError) {
        for result in UnsafeBufferPointer(start: results, count: results == nil ? 0 : count) {
            let code = rd_kafka_topic_result_error(result)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let topic = rd_kafka_topic_result_name(result).map { String(cString: $0) } ?? ""
            let detail = rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? ""
            throw KafkaError(KafkaError.Code(code), operation: operation, reason: "\(topic): \(detail)")
        }
    }
}

extension KafkaMetadata {
    init(_ answer: rd_kafka_metadata) {
        brokers = UnsafeBufferPointer(start: answer.brokers, count: Int(answer.broker_cnt))
            .map { Broker(id: $0.id, host: String(cString: $0.host), port: Int($0.port)) }
            .sorted { $0.id < $1.id }
        let told = UnsafeBufferPointer(start: answer.topics, count: Int(answer.topic_cnt))
        topics =
            told
            .filter { $0.err == RD_KAFKA_RESP_ERR_NO_ERROR }
            .map { topic in
                let partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
                return Topic(
                    name: String(cString: topic.topic),
                    partitionCount: partitions.count,
                    replicationFactor: partitions.map { Int($0.replica_cnt) }.max() ?? 0,
                    partitionsWithoutLeader: partitions.filter { $0.leader < 0 }.map(\.id).sorted(),
                    leaders: Dictionary(
                        partitions.filter { $0.leader >= 0 }.map { ($0.id, $0.leader) },
                        uniquingKeysWith: { first, _ in first }
                    )
                )
            }
            .sorted { $0.name < $1.name }
        for topic in told where topic.err != RD_KAFKA_RESP_ERR_NO_ERROR {
            failures[String(cString: topic.topic)] = KafkaError.Code(topic.err)
        }
    }
}
