/// A request type of the Kafka protocol, for injecting errors into a ``KafkaMockCluster``.
public struct KafkaAPIKey: RawRepresentable, Hashable, Sendable {
    /// The protocol's number.
    public var rawValue: Int16

    /// Any request type.
    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// Appends messages.
    public static let produce = Self(rawValue: 0)
    /// Reads messages.
    public static let fetch = Self(rawValue: 1)
    /// Asks for watermarks.
    public static let listOffsets = Self(rawValue: 2)
    /// Asks for topics and leaders.
    public static let metadata = Self(rawValue: 3)
    /// Commits a group's offsets.
    public static let offsetCommit = Self(rawValue: 8)
    /// Reads a group's committed offsets.
    public static let offsetFetch = Self(rawValue: 9)
    /// Asks for a coordinator.
    public static let findCoordinator = Self(rawValue: 10)
    /// Joins a group.
    public static let joinGroup = Self(rawValue: 11)
    /// Keeps a membership alive.
    public static let heartbeat = Self(rawValue: 12)
    /// Leaves a group.
    public static let leaveGroup = Self(rawValue: 13)
    /// Fetches an assignment.
    public static let syncGroup = Self(rawValue: 14)
    /// Asks for a producer id.
    public static let initProducerID = Self(rawValue: 22)
    /// Adds partitions to a transaction.
    public static let addPartitionsToTransaction = Self(rawValue: 24)
    /// Ends a transaction.
    public static let endTransaction = Self(rawValue: 26)
}
