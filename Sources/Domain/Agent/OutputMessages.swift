/// The types of `agent.output`: what agents tell for people to read, apart from what decides.
public enum AgentOutputType {
    /// What a hook Job wrote.
    public static let stageOutput = "slipway.agent.stage_output.v1"
    /// A Kubernetes Event.
    public static let event = "slipway.agent.event.v1"
}

/// The data of ``AgentOutputType/stageOutput``.
public struct StageOutput: Codable, Sendable, Hashable {
    /// The id of the command whose release the stage belongs to.
    public var command: String
    /// The instance's generation.
    public var generation: Int64
    /// The stage's name.
    public var stage: String
    /// What the Job wrote: the last 60,000 bytes at most.
    public var output: String
    /// Whether there was more.
    public var truncated: Bool

    /// How many bytes of output are sent at most.
    public static let mostBytes = 60_000

    /// Makes the data.
    public init(command: String, generation: Int64, stage: String, output: String, truncated: Bool) {
        self.command = command
        self.generation = generation
        self.stage = stage
        self.output = output
        self.truncated = truncated
    }
}

/// The data of ``AgentOutputType/event``: something that happened to an object, told again when it happens again.
public struct KubernetesEvent: Codable, Sendable, Hashable {
    /// The namespace.
    public var namespace: String
    /// The object's kind.
    public var kind: String
    /// The object's name.
    public var name: String
    /// The instance that the object belongs to.
    public var instance: String?
    /// `Normal` or `Warning`.
    public var type: String
    /// A word for it, such as `BackOff`.
    public var reason: String
    /// What happened, for people.
    public var message: String
    /// How often it has happened.
    public var count: Int
    /// When it first happened.
    public var firstTime: String
    /// When it last happened.
    public var lastTime: String
    /// The Event's own uid.
    public var uid: String

    /// Makes the data.
    public init(
        namespace: String,
        kind: String,
        name: String,
        instance: String?,
        type: String,
        reason: String,
        message: String,
        count: Int,
        firstTime: String,
        lastTime: String,
        uid: String
    ) {
        self.namespace = namespace
        self.kind = kind
        self.name = name
        self.instance = instance
        self.type = type
        self.reason = reason
        self.message = message
        self.count = count
        self.firstTime = firstTime
        self.lastTime = lastTime
        self.uid = uid
    }
}
