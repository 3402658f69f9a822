/// A topic of the fleet: the contract that `topics/` describes in full.
public struct TopicDefinition: Sendable, Hashable {
    /// The logical name, without the fleet's prefix.
    public let name: String
    /// What its key is, in words.
    public let key: String
    /// How many partitions it should have from the start.
    public let partitions: Int
    /// Topic configuration.
    public let configuration: [String: String]
}

/// The topics of the fleet by name; a test holds them equal to `topics/`.
public enum Topics {
    /// How many partitions input topics have, unless an operator says otherwise: many, since adding moves keys.
    public static let defaultPartitions = 48
    private static let week = String(7 * 86_400_000)
    private static let month = String(30 * 86_400_000)
    private static let compacted = ["cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"]

    /// All topics but those of single clusters, without the topics of dead letters.
    public static let all: [TopicDefinition] = [
        input("release.events", key: "the artifact", ["retention.ms": month]),
        input(
            "deployment.requests",
            key: "project/environment, or the project's or cluster's name",
            ["retention.ms": week, "message.timestamp.type": "LogAppendTime"]
        ),
        input("deployment.results", key: "as the request's", ["retention.ms": month]),
        input(
            "agent.status",
            key: "the cluster",
            ["retention.ms": week, "message.timestamp.type": "LogAppendTime"]
        ),
        input("agent.output", key: "cluster/namespace/instance, or cluster/namespace", ["retention.ms": week]),
        input(
            "resource.changes",
            key: "cluster/namespace",
            ["retention.ms": week, "message.timestamp.type": "LogAppendTime"]
        ),
        input("container.logs", key: "cluster/namespace/pod/container", ["retention.ms": "3600000"]),
        input("environment.status", key: "project/environment", compacted),
        input("instance.status", key: "project/environment/instance", compacted),
        input("object.status", key: "project/environment/kind/name", compacted),
        input("resource.status", key: "cluster/namespace/kind/name", compacted),
        input("cdevents", key: "project/environment/service", ["retention.ms": month]),
    ]

    /// The topics of which the newest message of a key is all that counts.
    public static let compactedNames = Set(
        all.filter { $0.configuration["cleanup.policy"] == "compact" }.map(\.name)
    )

    /// The configuration with what keeps written messages from being lost.
    ///
    /// A broker that lacks messages never becomes a partition's leader, and of three copies two must be written before a
    /// producer hears that they are.
    public static func safe(_ configuration: [String: String], replicationFactor: Int) -> [String: String] {
        var safe = configuration
        safe["unclean.leader.election.enable"] = "false"
        if replicationFactor >= 3 { safe["min.insync.replicas"] = "2" }
        return safe
    }

    /// The topics whose messages can be dead-lettered.
    public static let withDeadLetters = [
        "release.events", "deployment.requests", "agent.status", "agent.output", "resource.changes",
    ]

    /// The dead letters of a topic.
    public static func deadLetters(of name: String) -> TopicDefinition {
        TopicDefinition(name: name + ".dlt", key: "as before", partitions: 1, configuration: ["retention.ms": month])
    }

    /// The commands of one cluster's agent: a topic of its own, so that an ACL can keep agents apart.
    public static func agentCommands(_ cluster: String) -> TopicDefinition {
        TopicDefinition(
            name: "agent.commands.\(cluster)",
            key: "project/environment, or the cluster",
            partitions: 1,
            configuration: ["retention.ms": week]
        )
    }

    /// Everything that a fleet with these clusters needs.
    ///
    /// - Parameter trusted: Topics of requests that need no token, see ``TrustedTopic``.
    public static func complete(clusters: [String], trusted: [String] = []) -> [TopicDefinition] {
        let requests = all.first { $0.name == "deployment.requests" }
        let requestTopics = trusted.map { input($0, key: requests?.key ?? "", requests?.configuration ?? [:]) }
        return all + requestTopics + (withDeadLetters + trusted).map(deadLetters) + clusters.map(agentCommands)
    }

    private static func input(_ name: String, key: String, _ configuration: [String: String]) -> TopicDefinition {
        TopicDefinition(name: name, key: key, partitions: defaultPartitions, configuration: configuration)
    }
}
