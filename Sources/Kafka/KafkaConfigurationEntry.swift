/// One property of a topic as the broker sees it.
public struct KafkaConfigurationEntry: Hashable, Sendable {
    /// The property's name.
    public var name: String
    /// Its value; `nil` where the broker keeps it secret.
    public var value: String?
    /// Set on the topic itself, not by a default of the cluster.
    public var isSetOnTopic: Bool
    /// Cannot be changed.
    public var isReadOnly: Bool
}
