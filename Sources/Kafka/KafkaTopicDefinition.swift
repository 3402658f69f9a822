/// A topic to create.
public struct KafkaTopicDefinition: Hashable, Sendable {
    /// The topic's full name.
    public var name: String
    /// How many partitions it gets.
    public var partitions: Int
    /// How many brokers keep each partition.
    public var replicationFactor: Int
    /// Topic properties, such as `cleanup.policy`.
    public var configuration: [String: String]

    /// Describes a topic to create.
    public init(
        name: String,
        partitions: Int,
        replicationFactor: Int = 1,
        configuration: [String: String] = [:]
    ) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configuration = configuration
    }
}
