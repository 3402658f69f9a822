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

/// Asks the broker which topics there are; what was there once is believed to stay.
public final class BrokerTopics: TopicDirectory {
    private let kafka: KafkaSettings
    private let prefix: String
    private let logger: Logger
    private let memory = Mutex(Memory())

    /// What was there once, and until when a broker that did not answer in time is not asked again.
    private struct Memory {
        var known: Set<String> = []
        var restEnd: ContinuousClock.Instant?

        /// Whether a topic is taken to exist without the broker being asked.
        func isBelieved(_ name: String, at now: ContinuousClock.Instant) -> Bool {
            known.contains(name) || restEnd.map { now < $0 } ?? false
        }
    }

    /// How long the broker may take: locks are held meanwhile, and a session is ended that waits for 3 s in a transaction.
    private static let patience = Duration.milliseconds(1500)
    /// How long it is not asked after that, since a transaction may be about several topics.
    private static let rest = Duration.seconds(10)

    /// Makes it of the process's settings; connects when it is asked.
    public convenience init(_ settings: Settings, logger: Logger) throws {
        self.init(try settings.kafka(logger: logger), prefix: settings.topicPrefix, logger: logger)
    }

    /// Makes it.
    ///
    /// - Parameter prefix: What real names begin with.
    public init(_ kafka: KafkaSettings, prefix: String, logger: Logger) {
        self.kafka = kafka
        self.prefix = prefix
        self.logger = logger
    }

    /// Whether the broker has it; asked again each time until it has.
    public func has(_ topic: String) -> Bool {
        let name = prefix + topic
        if memory.withLock({ $0.isBelieved(name, at: .now) }) { return true }
        do {
            let admin = try KafkaAdmin(kafka)
            defer { admin.close() }
            let topics = try admin.metadata(timeout: Self.patience).topics.map(\.name)
            return memory.withLock {
                $0.known.formUnion(topics)
                return $0.known.contains(name)
            }
        } catch {
            memory.withLock { $0.restEnd = ContinuousClock.now + Self.rest }
            // The request is taken all the same: it is not the sender's fault that the broker cannot be asked.
            logger.warning("the broker could not be asked for a topic: \(error)", metadata: ["topic": "\(name)"])
            return true
        }
    }
}
