public import Domain

/// A message of an agent's command topic, understood and checked.
public struct AgentCommand: Sendable, Hashable {
    /// What it asks for.
    public enum Content: Sendable, Hashable {
        /// The answer to a hello.
        case welcomed(Welcomed)
        /// A boot is to stop.
        case superseded(Superseded)
        /// Something is to be done in the cluster.
        case work(ClusterWork)
        /// Somebody still listens to a log.
        case logListened(LogListened)
        /// Something is not to be done any more.
        case withdrawn(Withdrawn)
        /// A namespace's objects are to be sent.
        case snapshotRequested(namespace: String)
        /// The agent is to say hello again.
        case helloRequested
    }

    /// What it asks for.
    public var content: Content
    /// Where it was read.
    public var place: CommandPlace
    /// The epoch of the boot that it is for; `nil` where that was not said.
    public var epoch: Int64?

    /// Makes a command.
    public init(_ content: Content, at place: CommandPlace, epoch: Int64? = nil) {
        self.content = content
        self.place = place
        self.epoch = epoch
    }
}

/// Where a command stands in its topic.
public struct CommandPlace: Sendable, Hashable {
    /// The partition.
    public var partition: Int32
    /// The offset within the partition.
    public var offset: Int64

    /// Names a place.
    public init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}
