public import Domain

/// What an agent needs of a cluster; called on the agent's thread only, and nothing here blocks for long.
///
/// Work is begun by ``start(_:now:)`` and its end comes from ``poll(now:)``, so that a cluster may be a model under a
/// virtual clock as well as helm and the Kubernetes API behind threads of their own.
public protocol Cluster {
    /// The uid of the `kube-system` namespace: what the fleet binds a cluster's name to.
    var uid: String { get }

    /// The kinds that are watched; each snapshot tells of all of them, also of those without objects.
    var kinds: [WatchedKind] { get }

    /// The namespaces that the agent made and that are there.
    var namespaces: [String] { get }

    /// Which command the release says it was made by; `nil` where there is none.
    ///
    /// It stands in the cluster itself, so that a command which comes twice is done once even by another agent.
    func mark(of subject: CommandSubject) -> CommandMark?

    /// The objects of a release, with the generations that they have now.
    func objects(of subject: CommandSubject) -> [AppliedObject]

    /// The objects of a kind, as they were at the newest poll.
    func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject]

    /// Begins to do what a command asks for.
    mutating func start(_ work: ClusterWork, now: Int64)

    /// What has happened since the last poll, in order.
    ///
    /// - Parameter now: Microseconds since 1970; must not go back.
    mutating func poll(now: Int64) -> [ClusterEvent]
}

extension Cluster {
    /// How many objects the agent sees in its namespaces.
    var watchedCount: Int {
        namespaces.reduce(0) { sum, namespace in
            kinds.reduce(sum) { $0 + objects(in: namespace, kind: $1).count }
        }
    }
}

/// A kind of object that an agent watches.
public struct WatchedKind: Sendable, Hashable {
    /// The group and version, such as `apps/v1`.
    public var apiVersion: String
    /// The kind.
    public var kind: String

    /// Names a kind.
    public init(_ apiVersion: String, _ kind: String) {
        self.apiVersion = apiVersion
        self.kind = kind
    }

    /// What releases are usually made of.
    public static let usual = [
        WatchedKind("apps/v1", "Deployment"), WatchedKind("apps/v1", "ReplicaSet"), WatchedKind("v1", "Pod"),
        WatchedKind("v1", "Service"), WatchedKind("apps/v1", "StatefulSet"), WatchedKind("apps/v1", "DaemonSet"),
        WatchedKind("batch/v1", "Job"), WatchedKind("v1", "PersistentVolumeClaim"), WatchedKind("v1", "ConfigMap"),
        WatchedKind("v1", "Secret"), WatchedKind("networking.k8s.io/v1", "Ingress"),
    ]
}

/// What a command is about: at most one command of a subject is done at a time, and the highest generation wins.
public enum CommandSubject: Sendable, Hashable {
    /// A namespace.
    case namespace(String)
    /// A release in a namespace.
    case release(namespace: String, instance: String)

    /// The namespace it is in.
    public var namespace: String {
        switch self {
        case .namespace(let name): name
        case .release(let namespace, _): namespace
        }
    }
}

/// Which command made a release.
public struct CommandMark: Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's generation.
    public var generation: Int64

    /// Makes a mark.
    public init(command: String, generation: Int64) {
        self.command = command
        self.generation = generation
    }
}

/// What a cluster is asked to do.
public enum ClusterWork: Sendable, Hashable {
    /// Make a namespace; one that is there already is not an error.
    case namespace(NamespaceRequested)
    /// Install or upgrade a release.
    case release(ReleaseRequested)

    /// What it is about.
    public var subject: CommandSubject {
        switch self {
        case .namespace(let request): .namespace(request.namespace)
        case .release(let request): .release(namespace: request.namespace, instance: request.instance)
        }
    }

    /// The command behind it.
    public var mark: CommandMark {
        switch self {
        case .namespace(let request): CommandMark(command: request.command, generation: request.generation)
        case .release(let request): CommandMark(command: request.command, generation: request.generation)
        }
    }
}

/// What happened in a cluster.
public enum ClusterEvent: Sendable, Hashable {
    /// An object is there and looks like this.
    case changed(ClusterObject)
    /// An object is not there any more.
    case gone(ClusterObject)
    /// Work has ended; `nil` stands for success.
    case finished(ClusterWork, WorkFailure?)
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
