import CRdkafka
import Processes
import Synchronization

/// librdkafka's mock cluster inside this process, reachable from other processes over loopback.
///
/// Good enough for tests and demonstrations: groups, offsets, transactions and injected errors work. It keeps at most
/// 5 MiB and 100,000 messages of a partition, forgets everything with the process, fences no transactional producer,
/// and has no admin requests: topics are created here or by the first producer. A new group waits 3 s for members, so
/// that a consumer with a `session.timeout.ms` of 3000 or less never joins.
/// All calls may come from any thread.
public final class KafkaMockCluster: Sendable {
    /// `host:port` list of the brokers.
    public let bootstrapServers: String
    private let state: Mutex<State?>

    /// The cluster and the client it lives in.
    ///
    /// `@unchecked Sendable` holds because librdkafka's mock calls are safe from any thread and the cluster is
    /// destroyed once, under the lock.
    private struct State: @unchecked Sendable {
        let cluster: OpaquePointer
        let handle: RDKafkaHandle
    }

    /// Starts brokers 1 to the given number, each listening on a free port of the loopback interface.
    public init(brokers: Int = 1) throws(KafkaError) {
        let settings = KafkaSettings(bootstrapServers: "")
        let configuration = try RDKafkaConfiguration(settings, defaults: [:])
        let handle = try RDKafkaHandle(.admin, configuration, callbacks: RDKafkaCallbacks(settings))
        guard
            let cluster = rd_kafka_mock_cluster_new(handle.pointer, Int32(brokers)),
            let servers = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            throw KafkaError(KafkaError.Code(rd_kafka_last_error()), operation: "start a mock cluster")
        }
        bootstrapServers = String(cString: servers)
        MockListeners.sendAtOnce(bootstrapServers)
        state = Mutex(State(cluster: cluster, handle: handle))
    }

    deinit { close() }

    /// Settings for a client of this cluster.
    public var settings: KafkaSettings { KafkaSettings(bootstrapServers: bootstrapServers) }

    /// Stops the brokers; everything they kept is gone.
    ///
    /// Closing twice is not an error.
    public func close() {
        state.withLock { state in
            if let open = state { rd_kafka_mock_cluster_destroy(open.cluster) }
            state = nil
        }
    }

    /// Creates a topic; one that exists is an error.
    public func createTopic(_ name: String, partitions: Int, replicationFactor: Int = 1) throws(KafkaError) {
        try withCluster("create a topic") {
            rd_kafka_mock_topic_create($0, name, Int32(partitions), Int32(replicationFactor))
        }
    }

    /// Breaks the broker's connections and refuses new ones; `nil` stands for all brokers.
    ///
    /// Leaders do not change. librdkafka closes the broker's listener and takes its port anew at once, and ends the process
    /// where it cannot: a program that is being started holds a copy of the listener for a moment, so none is meanwhile.
    public func setBrokerDown(_ broker: Int32? = nil) throws(KafkaError) {
        try ChildProcess.whileNoneStarts { () throws(KafkaError) in
            try withCluster("stop a broker") { rd_kafka_mock_broker_set_down($0, broker ?? -1) }
        }
    }

    /// Accepts connections again; `nil` stands for all brokers.
    public func setBrokerUp(_ broker: Int32? = nil) throws(KafkaError) {
        try withCluster("start a broker") { rd_kafka_mock_broker_set_up($0, broker ?? -1) }
    }

    /// Delays each answer of the broker; `nil` stands for all brokers.
    public func setRoundTrip(_ broker: Int32? = nil, _ duration: Duration) throws(KafkaError) {
        try withCluster("delay a broker") {
            rd_kafka_mock_broker_set_rtt($0, broker ?? -1, duration.timeoutMilliseconds)
        }
    }

    /// Answers the next requests of that type with these errors, one each; `transport` breaks the connection instead.
    public func pushRequestErrors(_ key: KafkaAPIKey, _ errors: [KafkaError.Code]) throws(KafkaError) {
        try withCluster("inject errors") {
            rd_kafka_mock_push_request_errors_array($0, key.rawValue, errors.count, errors.map(\.native))
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// Delays a broker's answer to its next request of that type, and makes it an error unless the code is `none`.
    public func pushRequestDelay(
        _ key: KafkaAPIKey,
        _ delay: Duration,
        _ error: KafkaError.Code = .none,
        broker: Int32 = 1
    ) throws(KafkaError) {
        try withCluster("inject a delay") {
            crdkafka_mock_push_delay($0, broker, key.rawValue, error.native, delay.timeoutMilliseconds)
        }
    }

    /// Forgets injected errors of that request type.
    public func clearRequestErrors(_ key: KafkaAPIKey) throws(KafkaError) {
        try withCluster("clear injected errors") {
            rd_kafka_mock_clear_request_errors($0, key.rawValue)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// Answers metadata requests for the topic with an error, or `none` again.
    public func setTopicError(_ topic: String, _ error: KafkaError.Code) throws(KafkaError) {
        try withCluster("set a topic's error") {
            rd_kafka_mock_topic_set_error($0, topic, error.native)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// Moves the partition to another broker, or to none with `nil`.
    public func setPartitionLeader(_ partition: KafkaTopicPartition, broker: Int32?) throws(KafkaError) {
        try withCluster("move a partition") {
            rd_kafka_mock_partition_set_leader($0, partition.topic, partition.partition, broker ?? -1)
        }
    }

    /// Makes the broker the coordinator of the group.
    public func setCoordinator(group: String, broker: Int32) throws(KafkaError) {
        try withCluster("move a coordinator") { rd_kafka_mock_coordinator_set($0, "group", group, broker) }
    }

    private func withCluster(
        _ operation: String,
        _ body: (OpaquePointer) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        let code = state.withLock { $0.map { body($0.cluster) } }
        guard let code else { throw KafkaError(.closed, operation: operation, reason: "the mock cluster is closed") }
        try KafkaError.check(code, operation)
    }
}
