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

/// What an agent says on `agent.status`.
public enum AgentStatusType {
    /// A boot introduces itself.
    public static let hello = "slipway.agent.hello.v1"
    /// It lives.
    public static let heartbeat = "slipway.agent.heartbeat.v1"
    /// It took a command.
    public static let acknowledged = "slipway.agent.acknowledged.v1"
    /// It did what a command says; success is still to be observed.
    public static let applied = "slipway.agent.applied.v1"
    /// It could not do what a command says.
    public static let failed = "slipway.agent.failed.v1"
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
    public init(boot: String, epoch: Int64, namespaces: [String], open: [String], snapshotSeconds: Int, heartbeatSeconds: Int) {
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
        command: String, generation: Int64, namespace: String, instance: String, application: String, version: String,
        image: String?, chart: ChartReference?, values: String, deadline: String
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

/// The data of ``AgentStatusType/hello``.
public struct AgentHello: Codable, Sendable, Hashable {
    /// The agent's fresh id of this start.
    public var boot: String
    /// The uid of the cluster's `kube-system` namespace.
    public var clusterUID: String
    /// The agent's version.
    public var agentVersion: String

    /// Makes the data.
    public init(boot: String, clusterUID: String, agentVersion: String) {
        self.boot = boot
        self.clusterUID = clusterUID
        self.agentVersion = agentVersion
    }
}

/// The data of ``AgentStatusType/heartbeat``.
public struct AgentHeartbeat: Codable, Sendable, Hashable {
    /// The agent's fresh id of this start.
    public var boot: String

    /// Makes the data.
    public init(boot: String) {
        self.boot = boot
    }
}

/// The data of ``AgentStatusType/acknowledged``.
public struct AgentAcknowledged: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64

    /// Makes the data.
    public init(command: String, generation: Int64) {
        self.command = command
        self.generation = generation
    }
}

/// An object as it was read back after an apply.
public struct AppliedObject: Codable, Sendable, Hashable {
    /// The API version.
    public var apiVersion: String
    /// The kind.
    public var kind: String
    /// The namespace.
    public var namespace: String
    /// The name.
    public var name: String
    /// The uid.
    public var uid: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The resource version, for people.
    public var resourceVersion: String?

    /// Makes the data.
    public init(
        apiVersion: String, kind: String, namespace: String, name: String, uid: String, generation: Int64,
        resourceVersion: String?
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.generation = generation
        self.resourceVersion = resourceVersion
    }
}

/// The data of ``AgentStatusType/applied``.
public struct AgentApplied: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The objects of the release.
    public var objects: [AppliedObject]

    /// Makes the data.
    public init(command: String, generation: Int64, objects: [AppliedObject]) {
        self.command = command
        self.generation = generation
        self.objects = objects
    }
}

/// The data of ``AgentStatusType/failed``.
public struct AgentFailed: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// A stable code.
    public var code: String
    /// What happened, for people.
    public var message: String

    /// Makes the data.
    public init(command: String, generation: Int64, code: String, message: String) {
        self.command = command
        self.generation = generation
        self.code = code
        self.message = message
    }
}
