import CRdkafka

extension KafkaError {
    /// The code librdkafka or the broker gave; values ≥ 0 are the protocol's error codes, negative ones librdkafka's.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number as in `rd_kafka_resp_err_t`.
        public var rawValue: Int32

        /// Any code, known to this library or not.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        init(_ code: rd_kafka_resp_err_t) {
            rawValue = code.rawValue
        }

        var native: rd_kafka_resp_err_t { rd_kafka_resp_err_t(rawValue) }

        /// librdkafka's name of the code, `UNKNOWN_MEMBER_ID`.
        public var name: String { rd_kafka_err2name(native).map { String(cString: $0) } ?? "UNKNOWN" }
    }
}

extension KafkaError.Code {
    /// No error.
    public static let none = Self(RD_KAFKA_RESP_ERR_NO_ERROR)
    /// The local producer queue has no room; poll and try again.
    public static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
    /// The time limit of the call passed.
    public static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
    /// The answer has not come yet.
    public static let inProgress = Self(RD_KAFKA_RESP_ERR__IN_PROGRESS)
    /// The message was not acknowledged within `message.timeout.ms`.
    public static let messageTimedOut = Self(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
    /// The connection to the broker broke; injected, it makes a mock broker disconnect.
    public static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
    /// No broker of the list can be reached.
    public static let allBrokersDown = Self(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    /// The message was dropped by ``KafkaProducer/purge()`` before it was sent.
    public static let purgedFromQueue = Self(RD_KAFKA_RESP_ERR__PURGE_QUEUE)
    /// The message was dropped by ``KafkaProducer/purge()`` while it was on its way.
    public static let purgedInFlight = Self(RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
    /// A call or property librdkafka does not accept.
    public static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)
    /// The call does not fit the client's state.
    public static let state = Self(RD_KAFKA_RESP_ERR__STATE)
    /// The client was closed.
    public static let closed = Self(RD_KAFKA_RESP_ERR__DESTROY)
    /// The client ended for good; the reason names the first cause.
    public static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
    /// Another producer with the same `transactional.id` took over.
    public static let fenced = Self(RD_KAFKA_RESP_ERR__FENCED)
    /// The coordinator of the group is not known yet.
    public static let waitingForCoordinator = Self(RD_KAFKA_RESP_ERR__WAIT_COORD)
    /// There was no offset to commit.
    public static let noOffset = Self(RD_KAFKA_RESP_ERR__NO_OFFSET)
    /// The assignment was lost before the commit.
    public static let assignmentLost = Self(RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST)
    /// The wanted offset is outside the partition and `auto.offset.reset` is `error`.
    public static let offsetReset = Self(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    /// The owner did not poll within `max.poll.interval.ms`; the membership is lost.
    public static let maximumPollExceeded = Self(RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
    /// The broker does not know this request.
    public static let unsupportedFeature = Self(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
    /// The client does not know the partition.
    public static let unknownPartition = Self(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    /// The client does not know the topic.
    public static let unknownTopic = Self(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    /// The offset is outside the partition.
    public static let offsetOutOfRange = Self(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    /// The broker found the message corrupt.
    public static let invalidMessage = Self(RD_KAFKA_RESP_ERR_INVALID_MSG)
    /// The broker does not know the topic or partition.
    public static let unknownTopicOrPartition = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    /// The partition has no leader for the moment.
    public static let leaderNotAvailable = Self(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    /// The broker is not the partition's leader any more.
    public static let notLeaderForPartition = Self(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
    /// The broker gave up waiting.
    public static let requestTimedOut = Self(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT)
    /// The message is larger than the client or the broker takes.
    public static let messageTooLarge = Self(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    /// The coordinator is loading.
    public static let coordinatorLoading = Self(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS)
    /// There is no coordinator for the moment.
    public static let coordinatorNotAvailable = Self(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE)
    /// The broker is not the coordinator any more.
    public static let notCoordinator = Self(RD_KAFKA_RESP_ERR_NOT_COORDINATOR)
    /// The topic's name is not allowed.
    public static let invalidTopic = Self(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
    /// Fewer replicas are in sync than `min.insync.replicas`.
    public static let notEnoughReplicas = Self(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS)
    /// The member's generation is over.
    public static let illegalGeneration = Self(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
    /// The group does not know the member.
    public static let unknownMember = Self(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID)
    /// The group is rebalancing.
    public static let rebalanceInProgress = Self(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
    /// The principal may not use the topic.
    public static let topicAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    /// The principal may not use the group.
    public static let groupAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
    /// The principal may not ask that of the cluster.
    public static let clusterAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
    /// The brokers have no authoriser.
    public static let securityDisabled = Self(RD_KAFKA_RESP_ERR_SECURITY_DISABLED)
    /// The topic exists already.
    public static let topicAlreadyExists = Self(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    /// The number of partitions is not possible.
    public static let invalidPartitions = Self(RD_KAFKA_RESP_ERR_INVALID_PARTITIONS)
    /// The record breaks a rule of its topic, such as a missing key in a compacted topic.
    public static let invalidRecord = Self(RD_KAFKA_RESP_ERR_INVALID_RECORD)
    /// Another member with the same `group.instance.id` took over.
    public static let fencedInstance = Self(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
    /// The broker cannot write to its disk.
    public static let storageError = Self(RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR)
}
