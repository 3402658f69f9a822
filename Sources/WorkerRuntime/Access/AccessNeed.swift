/// Something that a program of the fleet must be allowed to do at the brokers.
public struct AccessNeed: Sendable, Hashable {
    /// What is to be done.
    public enum Act: String, Sendable {
        /// Consuming a topic, or being a member of a group.
        case read
        /// Producing to a topic, or under a transactional id.
        case write
        /// Being told that a topic is there.
        case describe = "see"
    }

    /// With what it is to be done.
    public enum Kind: String, Sendable {
        /// A topic.
        case topic
        /// A consumer group.
        case group
        /// What a transactional producer is known by.
        case transactionalID = "transactional id"
    }

    /// Which program needs it: a worker's name, or a cluster's, whose agent it is.
    public let program: String
    /// What is to be done.
    public let act: Act
    /// With what.
    public let kind: Kind
    /// The real name, with the fleet's prefix.
    public let name: String
    /// Whether names only begin so, and any of them is needed.
    public let isPrefix: Bool

    /// Makes a need.
    public init(_ program: String, _ act: Act, _ kind: Kind, _ name: String, isPrefix: Bool = false) {
        (self.program, self.act, self.kind) = (program, act, kind)
        (self.name, self.isPrefix) = (name, isPrefix)
    }
}
