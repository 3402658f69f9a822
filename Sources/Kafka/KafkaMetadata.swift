/// What the cluster says about itself.
public struct KafkaMetadata: Hashable, Sendable {
    /// One broker and where clients reach it.
    public struct Broker: Hashable, Sendable {
        /// The broker's number.
        public var id: Int32
        /// The host name clients use.
        public var host: String
        /// The port clients use.
        public var port: Int
    }

    /// One topic.
    public struct Topic: Hashable, Sendable {
        /// The topic's full name.
        public var name: String
        /// How many partitions it has.
        public var partitionCount: Int
        /// How many brokers keep each partition.
        public var replicationFactor: Int
        /// Partitions nobody can read or write for the moment.
        public var partitionsWithoutLeader: [Int32]
        /// The number of the broker that leads each other partition.
        public var leaders: [Int32: Int32]
    }

    /// The brokers, by number.
    public var brokers: [Broker]
    /// The topics, by name, without those the broker reported an error for.
    public var topics: [Topic]
    /// What the broker said of the topics that it reported an error for.
    ///
    /// Brokers leave out of a list of all topics what the principal may not see; they say so when asked for a topic by name.
    public var failures: [String: KafkaError.Code] = [:]

    /// The topic of that name.
    public func topic(_ name: String) -> Topic? {
        topics.first { $0.name == name }
    }
}
