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
    /// The commands that are not ended, which follow.
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

/// Where a chart is.
public struct ChartReference: Codable, Sendable, Hashable {
    /// The repository's URL.
    public var repository: String?
    /// The name.
    public var name: String
    /// The version.
    public var version: String?

    /// Makes the data.
    public init(repository: String?, name: String, version: String?) {
        self.repository = repository
        self.name = name
        self.version = version
    }
}

/// The data of ``AgentCommandType/releaseRequested``.
public struct ReleaseRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The namespace.
    public var namespace: String
    /// The instance, which is the release's name.
    public var instance: String
    /// The application.
    public var application: String
    /// The version.
    public var version: String
    /// The image to run.
    public var image: String?
    /// The chart to render.
    public var chart: ChartReference?
    /// YAML: the version's values with the request's on top.
    public var values: String
    /// When the fleet gives up, for people: agents do not judge it.
    public var deadline: String

    /// Makes the data.
    public init(
        command: String,
        generation: Int64,
        namespace: String,
        instance: String,
        application: String,
        version: String,
        image: String?,
        chart: ChartReference?,
        values: String,
        deadline: String
    ) {
        self.command = command
        self.generation = generation
        self.namespace = namespace
        self.instance = instance
        self.application = application
        self.version = version
        self.image = image
        self.chart = chart
        self.values = values
        self.deadline = deadline
    }
}

/// The data of ``AgentCommandType/withdrawn``.
public struct Withdrawn: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The namespace.
    public var namespace: String
    /// The instance, which is the release's name.
    public var instance: String

    /// Makes the data.
    public init(command: String, generation: Int64, namespace: String, instance: String) {
        self.command = command
        self.generation = generation
        self.namespace = namespace
        self.instance = instance
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
