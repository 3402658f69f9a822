public import Domain

/// What happened in a cluster.
public enum ClusterEvent: Sendable, Hashable {
    /// An object is there and looks like this.
    case changed(ClusterObject)
    /// An object is not there any more.
    case gone(ClusterObject)
    /// A hook Job of a release has begun or ended.
    case stage(ClusterWork, ReleaseStage)
    /// What a hook Job wrote, told once when it has ended; the agent keeps the end of it.
    case stageOutput(ClusterWork, stage: String, output: String)
    /// Something happened to an object, as a Kubernetes Event says it.
    case happened(KubernetesEvent)
    /// The next lines of a log that somebody asked for.
    case logged(LogsRequested, lines: [String])
    /// Work that was begun waits for room, again and again until there is some.
    case waiting(ClusterWork)
    /// Work has ended; `nil` stands for success.
    case finished(ClusterWork, WorkFailure?)
    /// Objects that a command made are not as it left them; none says that they are again.
    case drifted(CommandMark, [DriftedObject])
    /// The agent itself is to fail: only a simulated cluster says so.
    case agentFault(AgentFault)
}

/// Why a cluster could not do what it was asked.
public struct WorkFailure: Error, Sendable, Hashable {
    /// A stable code.
    public var code: String
    /// What happened, for people.
    public var message: String

    /// Makes a failure.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// A way in which an agent can fail on demand.
public enum AgentFault: Sendable, Hashable {
    /// It neither sends nor takes commands for that many seconds; its cluster goes on.
    case offline(seconds: Int)
    /// It ends and starts again with a new boot.
    case restart
}
