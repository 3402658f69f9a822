/// One entry of the brokers' access control lists: who may, or may not, do what with what.
public struct KafkaAccessEntry: Hashable, Sendable {
    /// What an entry is about.
    public enum Resource: Hashable, Sendable {
        /// A topic.
        case topic
        /// A consumer group.
        case group
        /// The cluster as a whole.
        case cluster
        /// A kind that librdkafka 2.0.2 has no name for; transactional ids are among them.
        case other
    }

    /// What may be done, as Kafka calls it.
    public enum Operation: String, Hashable, Sendable {
        /// Everything.
        case all = "ALL"
        /// Consuming.
        case read = "READ"
        /// Producing.
        case write = "WRITE"
        /// Being told that it is there.
        case describe = "DESCRIBE"
        /// Making it.
        case create = "CREATE"
        /// Taking it away.
        case delete = "DELETE"
        /// Changing it.
        case alter = "ALTER"
        /// Anything else.
        case other = "OTHER"
    }

    /// What it is about.
    public var resource: Resource
    /// The name, or what names begin with; `*` means every name.
    public var name: String
    /// Whether it holds for every name that begins so.
    public var isPrefix: Bool
    /// Whom it concerns, such as `User:slipway`; `User:*` is everybody.
    public var principal: String
    /// From where; `*` is everywhere.
    public var host: String
    /// What it is that may be done, or may not.
    public var operation: Operation
    /// Whether it allows or denies.
    public var isAllowed: Bool

    /// Makes an entry.
    public init(
        _ resource: Resource,
        _ name: String,
        isPrefix: Bool = false,
        principal: String,
        host: String = "*",
        operation: Operation,
        isAllowed: Bool = true
    ) {
        (self.resource, self.name, self.isPrefix) = (resource, name, isPrefix)
        (self.principal, self.host) = (principal, host)
        (self.operation, self.isAllowed) = (operation, isAllowed)
    }
}
