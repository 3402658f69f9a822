public import Kafka
public import Logging
import Synchronization

/// Tells which topics the broker has: what is written to one that does not exist cannot be delivered.
public protocol TopicDirectory: Sendable {
    /// Whether a topic exists; may block the lane's thread for a few seconds.
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
    private let known = Mutex<Set<String>>([])

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
        if known.withLock({ $0.contains(name) }) { return true }
        do {
            let admin = try KafkaAdmin(kafka)
            defer { admin.close() }
            let topics = try admin.metadata(timeout: .seconds(5)).topics.map(\.name)
            return known.withLock {
                $0.formUnion(topics)
                return $0.contains(name)
            }
        } catch {
            // The request is taken all the same: it is not the sender's fault that the broker cannot be asked.
            logger.warning("the broker could not be asked for a topic: \(error)", metadata: ["topic": "\(name)"])
            return true
        }
    }
}
