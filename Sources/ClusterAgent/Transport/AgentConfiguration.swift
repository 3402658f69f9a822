public import Domain
public import Kafka
public import Logging

/// How an agent reaches the fleet, and how its messages may go wrong on demand.
public struct AgentConfiguration: Sendable {
    /// The cluster it speaks for, as it is registered.
    public var cluster: String
    /// The key that cluster and fleet share.
    public var key: SigningKey
    /// The number of that key.
    public var keyID: Int32 = 1
    /// Other keys by their numbers, whose commands are followed while keys are rotated.
    public var formerKeys: [Int32: SigningKey] = [:]
    /// How to reach Kafka.
    public var kafka: KafkaSettings
    /// What real topic names and groups begin with.
    public var topicPrefix = "slipway."
    /// Where it writes what operators should know.
    public var logger: Logger
    /// How many messages in a hundred are sent twice.
    public var duplicatePercent = 0.0
    /// How many messages in a hundred are sent behind the one after them.
    public var reorderPercent = 0.0
    /// Goes offline that many seconds after its start, for that many seconds.
    public var offline: (after: Int, seconds: Int)?
    /// Starts again, with a new boot, that many seconds after its start.
    public var restartAfter: Int?
    /// How many seconds the wall clock is ahead, and after how many seconds somebody sets it right.
    public var wrongClock: (ahead: Int, until: Int)?
    /// What faults vary by.
    public var seed: UInt64 = 1
    /// Changes of made-up objects, for load.
    public var load: ResourceLoad?
    /// How many of those a second.
    public var loadRate = 0

    /// The usual configuration.
    public init(cluster: String, key: SigningKey, kafka: KafkaSettings, logger: Logger) {
        self.cluster = cluster
        self.key = key
        self.kafka = kafka
        self.logger = logger
    }

    /// The logical topic of the cluster's commands.
    var commandTopic: String { "agent.commands.\(cluster)" }
    /// Every key whose commands are followed, by its number.
    var keys: [Int32: SigningKey] { formerKeys.merging([keyID: key]) { $1 } }
    /// The consumer group in which the agent's place is kept.
    var group: String { "\(topicPrefix)agent-\(cluster)" }
}
