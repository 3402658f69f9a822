public import Kafka
public import Logging
public import Postgres

/// What a lane needs to know; the same for every lane of a worker.
public struct LaneConfiguration: Sendable {
    /// The worker's name, such as `deployment-worker`.
    public var worker: String
    /// The consumer group, the same for every process of this worker; its name behind the topic prefix unless changed.
    public var group: String
    /// The logical topic that is consumed.
    public var topic: String
    /// What real topic names and groups begin with.
    public var topicPrefix: String
    /// How to reach the broker.
    public var kafka: KafkaSettings
    /// How to reach the database.
    public var database: PostgresConfiguration
    /// The lane's name as a static member of its group, if it is one.
    public var instance: String?
    /// The most messages of one transaction.
    public var batchCount = 500
    /// The most bytes of values of one transaction.
    public var batchBytes = 4 << 20
    /// When and how often a parked message is tried again.
    public var retries = RetryPolicy()
    /// How long a stop may take before it is called unclean.
    ///
    /// With a last try behind it, which may wait for a lock, that is less than orchestrators wait for.
    public var drainDeadline: Duration = .seconds(15)
    /// How long the inbox remembers; older requests are refused, since nobody can say whether they were seen.
    public var inboxReach = InboxReach.read
    /// Where the lane writes what operators should know.
    public var logger: Logger

    /// Makes a configuration with the defaults of an operator's fleet.
    public init(
        worker: String,
        topic: String,
        topicPrefix: String,
        kafka: KafkaSettings,
        database: PostgresConfiguration,
        logger: Logger
    ) {
        self.worker = worker
        group = topicPrefix + worker
        self.topic = topic
        self.topicPrefix = topicPrefix
        self.kafka = kafka
        self.database = database
        self.logger = logger
    }

    var realTopic: String { topicPrefix + topic }

    /// The name of a lane as a static member of its group: the same in the next life of its process.
    ///
    /// Each topic has a group of its own, so the number of the lane among those of its topic is enough.
    func member(of instance: String, lane: Int) -> String { "\(instance)-\(worker)-\(lane)" }
}

/// When a parked message is tried again: exponential back-off with jitter, by the database's clock.
public struct RetryPolicy: Sendable {
    /// How often the head message of a key is tried before it is dead-lettered.
    public var attempts = 8
    /// The wait before the first retry.
    public var firstDelay: Duration = .seconds(1)
    /// The longest wait between two tries, unless the first is longer.
    public var longestDelay: Duration = .seconds(60)
    /// How many messages may wait behind one key before more are refused, or their partition waits.
    public var queuedMessages = 1000
    /// How many bytes may wait behind one key before more are refused, or their partition waits.
    public var queuedBytes = 8 << 20

    /// Makes the default policy.
    public init() {}

    /// The wait before try number `attempt` (the first retry is 1), without jitter, in milliseconds.
    public func delayMilliseconds(attempt: Int) -> Int64 {
        let longest = max(longestDelay, firstDelay).milliseconds
        let doublings = min(max(attempt - 1, 0), 20)
        return min(longest, firstDelay.milliseconds << Int64(doublings))
    }

    /// What follows when the head message of a key has failed once more.
    ///
    /// - Parameter attempts: How often it has failed before.
    /// - Returns: The wait before the next try in milliseconds, without jitter; `nil` where there is none.
    func nextDelayMilliseconds(attempts made: Int) -> Int64? {
        made < attempts ? delayMilliseconds(attempt: made + 1) : nil
    }

    /// Whether a message with so many bytes finds no room behind what waits already.
    func isFull(messages: Int, bytes: Int, adding more: Int) -> Bool {
        messages >= queuedMessages || bytes + more > queuedBytes
    }

    /// Whether a partition that waits for room goes on: with room for its message, and for many after it.
    func hasRoomAgain(messages: Int, bytes: Int, adding more: Int) -> Bool {
        messages <= queuedMessages / 2 && bytes <= queuedBytes / 2
            && !isFull(messages: messages, bytes: bytes, adding: more)
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded down.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
