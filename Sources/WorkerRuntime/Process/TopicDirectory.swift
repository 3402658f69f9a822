public import Kafka
public import Logging
import Synchronization

/// Tells which topics the broker has: what is written to one that does not exist cannot be delivered.
public protocol TopicDirectory: Sendable {
    /// Whether a topic exists; may block the lane's thread, for less than a session may wait in a transaction.
    ///
    /// - Parameter topic: Its logical name.
    /// - Returns: Also true where nobody can tell: the relay keeps what it cannot deliver.
    func has(_ topic: String) -> Bool
}

/// Believes that every topic exists.
public struct EveryTopic: TopicDirectory {
    /// Makes it.
    public init() {}

    /// True.
    public func has(_ topic: String) -> Bool { true }
}

/// Asks the broker which topics there are; what was there once is believed to stay, what was not there for a moment.
///
/// So however many requests name a topic that is missing, few of them ask, and the transaction that they share goes on.
public final class BrokerTopics: TopicDirectory {
    private let kafka: KafkaSettings
    private let prefix: String
    private let patience: Duration
    private let absence: Duration
    private let logger: Logger
    private let memory = Mutex(TopicMemory())

    /// How long a broker that did not answer in time is left alone: a transaction may be about several topics.
    private static let rest = Duration.seconds(10)

    /// Makes it of the process's settings; connects when it is asked.
    public convenience init(_ settings: Settings, logger: Logger) throws {
        self.init(try settings.kafka(logger: logger), prefix: settings.topicPrefix, logger: logger)
    }

    /// Makes it.
    ///
    /// - Parameters:
    ///   - prefix: What real names begin with.
    ///   - patience: How long the broker may take: locks are held meanwhile, and a session is ended that waits for 3 s
    ///     in a transaction.
    ///   - absence: How long the broker is not asked again after it has told which topics there are.
    public init(
        _ kafka: KafkaSettings,
        prefix: String,
        patience: Duration = .milliseconds(1500),
        absence: Duration = .seconds(2),
        logger: Logger
    ) {
        self.kafka = kafka
        self.prefix = prefix
        self.patience = patience
        self.absence = absence
        self.logger = logger
    }

    /// Whether the broker has it, or had it a moment ago.
    public func has(_ topic: String) -> Bool {
        let name = prefix + topic
        if let answer = memory.withLock({ $0.has(name, at: .now) }) { return answer }
        do {
            let topics = try list()
            memory.withLock { $0.listed(topics, until: .now + absence) }
            return topics.contains(name)
        } catch {
            memory.withLock { $0.failed(until: .now + Self.rest) }
            // The request is taken all the same: it is not the sender's fault that the broker cannot be asked.
            logger.warning("the broker could not be asked for a topic: \(error)", metadata: ["topic": "\(name)"])
            return true
        }
    }

    /// All topics that there are.
    ///
    /// The client is made anew: it is asked now and then, and one that is kept would hold its connections for ever.
    private func list() throws(KafkaError) -> Set<String> {
        let admin = try KafkaAdmin(kafka)
        // Freeing it may take longer than the transaction has.
        defer { admin.closeWithoutWaiting() }
        return Set(try admin.metadata(timeout: patience).topics.map(\.name))
    }
}
