internal import CloudEvents

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
    /// A stage of a release, a hook Job, has begun or ended.
    public static let progressed = "slipway.agent.progressed.v1"
    /// Objects of a command were changed by somebody else, or are as it left them again.
    public static let drifted = "slipway.agent.drifted.v1"
    /// All of them.
    static let known = Set(
        [hello, heartbeat, acknowledged, applied, failed, progressed, drifted].compactMap { EventType($0) }
    )
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
    /// Whether all that the agent sees was told and has arrived, as it has not after a welcome or while its way is cut.
    ///
    /// An agent of a version before does not say so, and is believed to have told all.
    public var complete: Bool?

    /// Makes the data.
    public init(boot: String, complete: Bool? = nil) {
        self.boot = boot
        self.complete = complete
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
        apiVersion: String,
        kind: String,
        namespace: String,
        name: String,
        uid: String,
        generation: Int64,
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
    /// The code of a command that was not done since the cluster is further, by a newer one or one that it did later.
    public static let clusterIsFurther = "superseded_generation"

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

/// A stage of a release: a Job that helm runs as a hook.
public struct ReleaseStage: Codable, Sendable, Hashable {
    /// Where a stage stands.
    public enum State: String, Codable, Sendable, Hashable, CaseIterable {
        /// It runs.
        case running
        /// It has ended well.
        case succeeded
        /// It has ended badly, and with it the release.
        case failed
    }

    /// The Job's name.
    public var name: String
    /// When helm runs it, such as `pre-install` or `post-upgrade`.
    public var kind: String
    /// Its place among the hooks of its kind: the lowest first.
    public var weight: Int
    /// Where it stands.
    public var state: State
    /// When it began.
    public var startedAt: String?
    /// When it ended.
    public var endedAt: String?

    /// Makes the data.
    public init(
        name: String,
        kind: String,
        weight: Int,
        state: State,
        startedAt: String? = nil,
        endedAt: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.weight = weight
        self.state = state
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}

/// The data of ``AgentStatusType/progressed``.
public struct AgentProgressed: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's generation.
    public var generation: Int64
    /// The stage that has begun or ended.
    public var stage: ReleaseStage

    /// Makes the data.
    public init(command: String, generation: Int64, stage: ReleaseStage) {
        self.command = command
        self.generation = generation
        self.stage = stage
    }
}
