/// What the fleet tells an agent, as the data of its events.
public enum AgentCommandType {
    /// The answer to a hello: the agent may act, under this epoch.
    public static let welcomed = "slipway.agent.welcomed.v1"
    /// Another boot has taken over, or this one is refused: stop.
    public static let superseded = "slipway.agent.superseded.v1"
    /// Make a namespace.
    public static let namespaceRequested = "slipway.agent.namespace_requested.v1"
    /// Install or upgrade a release.
    public static let releaseRequested = "slipway.agent.release_requested.v1"
    /// Uninstall a release.
    public static let removalRequested = "slipway.agent.removal_requested.v1"
    /// Apply single objects, such as a network or a secret, and remove others.
    public static let objectsRequested = "slipway.agent.objects_requested.v1"
    /// Remove a namespace and everything in it.
    public static let namespaceRemovalRequested = "slipway.agent.namespace_removal_requested.v1"
    /// Send a container's log lines.
    public static let logsRequested = "slipway.agent.logs_requested.v1"
    /// Somebody still listens to a log that is followed.
    public static let logListened = "slipway.agent.log_listened.v1"
    /// A command is not wanted any more.
    public static let withdrawn = "slipway.agent.withdrawn.v1"
    /// Send a snapshot of a namespace.
    public static let snapshotRequested = "slipway.agent.snapshot_requested.v1"
    /// Say hello again.
    public static let helloRequested = "slipway.agent.hello_requested.v1"
}

/// The data of ``AgentCommandType/welcomed``.
public struct Welcomed: Codable, Sendable, Hashable {
    /// The agent's fresh id of this start.
    public var boot: String
    /// The number of the boot; messages carry it.
    public var epoch: Int64
    /// The namespaces to watch.
    public var namespaces: [String]
    /// The commands that are still to be done, which follow.
    ///
    /// Those that are not ended, and deletions that counted at once because the agent was away.
    public var open: [String]
    /// Seconds between snapshots.
    public var snapshotSeconds: Int
    /// Seconds between heartbeats.
    public var heartbeatSeconds: Int

    /// Makes the data.
    public init(
        boot: String,
        epoch: Int64,
        namespaces: [String],
        open: [String],
        snapshotSeconds: Int,
        heartbeatSeconds: Int
    ) {
        self.boot = boot
        self.epoch = epoch
        self.namespaces = namespaces
        self.open = open
        self.snapshotSeconds = snapshotSeconds
        self.heartbeatSeconds = heartbeatSeconds
    }
}

/// The data of ``AgentCommandType/superseded``.
public struct Superseded: Codable, Sendable, Hashable {
    /// The agent's fresh id of this start.
    public var boot: String
    /// Why, for people.
    public var reason: String

    /// Makes the data.
    public init(boot: String, reason: String) {
        self.boot = boot
        self.reason = reason
    }
}

/// The data of ``AgentCommandType/namespaceRequested``.
public struct NamespaceRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The environment as `project/environment`.
    public var environment: String
    /// The namespace.
    public var namespace: String

    /// Makes the data.
    public init(command: String, generation: Int64, environment: String, namespace: String) {
        self.command = command
        self.generation = generation
        self.environment = environment
        self.namespace = namespace
    }
}

/// The data of ``AgentCommandType/namespaceRemovalRequested``.
public struct NamespaceRemovalRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The environment's generation.
    public var generation: Int64
    /// The environment as `project/environment`.
    public var environment: String
    /// The namespace.
    public var namespace: String
    /// When the fleet gives up, for people: agents do not judge it.
    public var deadline: String

    /// Makes the data.
    public init(command: String, generation: Int64, environment: String, namespace: String, deadline: String) {
        self.command = command
        self.generation = generation
        self.environment = environment
        self.namespace = namespace
        self.deadline = deadline
    }
}

/// The data of ``AgentCommandType/withdrawn``.
///
/// What is taken back: the log of ``logs``, else the object of ``object``, else the release of ``instance``, else, where
/// that is empty, the namespace.
public struct Withdrawn: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The namespace.
    public var namespace: String
    /// The instance, which is the release's name; empty where no release is meant.
    public var instance: String
    /// The object whose command is taken back.
    public var object: ObjectSubject?
    /// The id of the command whose log is not to be followed any more.
    public var logs: String?

    /// Makes the data.
    public init(
        command: String,
        generation: Int64,
        namespace: String,
        instance: String,
        object: ObjectSubject? = nil,
        logs: String? = nil
    ) {
        self.command = command
        self.generation = generation
        self.namespace = namespace
        self.instance = instance
        self.object = object
        self.logs = logs
    }
}

/// The data of ``AgentCommandType/snapshotRequested``.
public struct SnapshotRequested: Codable, Sendable, Hashable {
    /// The namespace.
    public var namespace: String

    /// Makes the data.
    public init(namespace: String) {
        self.namespace = namespace
    }
}
