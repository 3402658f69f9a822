import CRdkafka

/// What went wrong in a call to Kafka, with the answers a caller needs to decide what to do next.
///
/// Never carries a payload or the value of a property.
public struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code librdkafka or the broker gave.
    public var code: Code
    /// What was being done, as a short phrase: "commit offsets".
    public var operation: String
    /// One sentence or phrase for people.
    public var reason: String
    /// The partition it is about, where the failure belongs to one.
    public var topicPartition: KafkaTopicPartition?
    /// The client can do nothing any more and has to be built anew.
    public var isFatal: Bool
    /// The current transaction has to be aborted before another begins.
    public var requiresAbort: Bool
    private var mayRetry: Bool

    /// Makes an error, for this library and for doubles of it.
    public init(
        _ code: Code,
        operation: String,
        reason: String? = nil,
        topicPartition: KafkaTopicPartition? = nil,
        isFatal: Bool = false,
        requiresAbort: Bool = false
    ) {
        self.code = code
        self.operation = operation
        self.reason = reason ?? rd_kafka_err2str(code.native).map { String(cString: $0) } ?? "unknown error"
        self.topicPartition = topicPartition
        self.isFatal = isFatal || code == .fatal
        self.requiresAbort = requiresAbort
        mayRetry = false
    }

    /// `cannot commit offsets: Broker: Unknown member (UNKNOWN_MEMBER_ID)`.
    public var description: String {
        let place = topicPartition.map { " of \($0)" } ?? ""
        return "cannot \(operation)\(place): \(reason) (\(code.name))"
    }

    /// The same call may succeed later without any change.
    public var isRetriable: Bool { !isFatal && (mayRetry || Self.retriable.contains(code)) }

    /// The group does not count the consumer as the owner of what it asked for.
    public var isStaleMember: Bool {
        code == .unknownMember || code == .illegalGeneration || code == .fencedInstance
    }

    /// The group is rebalancing: poll, then try again.
    public var isRebalanceInProgress: Bool { code == .rebalanceInProgress }

    /// The producer's own queue has no room: poll, then send again.
    public var isQueueFull: Bool { code == .queueFull }

    /// This very message will never be accepted as it is; others may.
    public var isPermanentForMessage: Bool { Self.permanent.contains(code) }

    private static let retriable: Set<Code> = [
        .queueFull, .timedOut, .messageTimedOut, .transport, .allBrokersDown, .waitingForCoordinator,
        .leaderNotAvailable, .notLeaderForPartition, .requestTimedOut, .coordinatorLoading, .coordinatorNotAvailable,
        .notCoordinator, .notEnoughReplicas, .rebalanceInProgress, .storageError,
    ]

    private static let permanent: Set<Code> = [
        .messageTooLarge, .topicAuthorizationFailed, .unknownTopicOrPartition, .unknownTopic, .unknownPartition,
        .invalidMessage, .invalidTopic, .invalidRecord,
    ]
}

extension KafkaError {
    /// Takes over and frees librdkafka's error object.
    init(consuming error: OpaquePointer, operation: String) {
        defer { rd_kafka_error_destroy(error) }
        self.init(
            Code(rd_kafka_error_code(error)),
            operation: operation,
            reason: String(cString: rd_kafka_error_string(error)),
            isFatal: rd_kafka_error_is_fatal(error) != 0,
            requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0
        )
        mayRetry = rd_kafka_error_is_retriable(error) != 0
    }

    static func check(_ code: rd_kafka_resp_err_t, _ operation: String) throws(KafkaError) {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(Code(code), operation: operation) }
    }

    static func check(_ error: OpaquePointer?, _ operation: String) throws(KafkaError) {
        if let error { throw KafkaError(consuming: error, operation: operation) }
    }
}
