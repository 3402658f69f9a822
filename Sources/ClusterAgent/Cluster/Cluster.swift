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

    /// Which command made the subject what it is; `nil` where there was none.
    ///
    /// It stands in the cluster itself, so that a command which comes twice is done once even by another agent, and it
    /// survives the subject's removal, so that an older command does not bring back what a newer one has removed.
    func mark(of subject: CommandSubject) -> CommandMark?

    /// Whether a command was done before the one that made the subject what it is; only the newest are remembered.
    func hasDone(_ command: String, before mark: CommandMark, of subject: CommandSubject) -> Bool

    /// The objects that the subject's newest command applied, with the generations that they have now.
    func objects(of subject: CommandSubject) -> [AppliedObject]

    /// What is not as the subject's newest command has left it, because somebody else has changed it.
    func drift(of subject: CommandSubject) -> [DriftedObject]

    /// How many objects the agent sees in its namespaces.
    var watchedCount: Int { get }

    /// The objects of a kind, as they were at the newest poll.
    func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject]

    /// Begins to do what a command asks for.
    ///
    /// What the same command has made under another generation is not done again and gets the new one: a fleet whose
    /// database was put back numbers anew.
    ///
    /// - Parameter secrets: What the command confides, opened: kept no longer than the work needs it, never reported.
    mutating func start(_ work: ClusterWork, secrets: OpenedSecrets, now: Int64)

    /// Lets work that waits for a cluster which is away end as failed; other work goes on, and none is no error.
    mutating func giveUp(_ mark: CommandMark)

    /// Ends work where it stands, because another agent does it again; its end need not be told.
    mutating func abandon(_ mark: CommandMark)

    /// Ends what is watched and done: the agent speaks no more.
    mutating func close()

    /// Ends a log before its own end; one that has ended is not an error.
    mutating func endLog(of command: String, now: Int64)

    /// What has happened since the last poll, in order.
    ///
    /// - Parameter now: Microseconds since 1970; must not go back.
    mutating func poll(now: Int64) -> [ClusterEvent]
}

extension Cluster {
    /// Begins to do what a command asks for that confides nothing.
    public mutating func start(_ work: ClusterWork, now: Int64) {
        start(work, secrets: OpenedSecrets(), now: now)
    }

    /// Nothing but the newest command is remembered, unless a cluster says so.
    public func hasDone(_ command: String, before mark: CommandMark, of subject: CommandSubject) -> Bool { false }

    /// Whether the same command has made the subject under a former generation; to repair it is more than that.
    func isMade(by work: ClusterWork) -> Bool { work.isRenumbered(mark(of: work.subject)) }

    /// A cluster that is never away has nothing to give up.
    public mutating func giveUp(_ mark: CommandMark) {}

    /// The work of a model goes on without an agent.
    public mutating func abandon(_ mark: CommandMark) {}

    /// A model does nothing that would have to be ended.
    public mutating func close() {}

    /// Nobody but its agent changes a cluster, unless it says so.
    public func drift(of subject: CommandSubject) -> [DriftedObject] { [] }

    /// Counts them kind by kind.
    public var watchedCount: Int {
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

    /// Whether an object of that version and kind is one of these: versions of a group are the same objects.
    public func covers(_ version: String, _ kind: String) -> Bool {
        self.kind == kind && Self.group(of: version) == Self.group(of: apiVersion)
    }

    private static func group(of apiVersion: String) -> Substring {
        apiVersion.lastIndex(of: "/").map { apiVersion[..<$0] } ?? ""
    }

    /// What releases are usually made of.
    public static let usual = [
        WatchedKind("apps/v1", "Deployment"), WatchedKind("apps/v1", "ReplicaSet"), WatchedKind("v1", "Pod"),
        WatchedKind("v1", "Service"), WatchedKind("apps/v1", "StatefulSet"), WatchedKind("apps/v1", "DaemonSet"),
        WatchedKind("batch/v1", "Job"), WatchedKind("batch/v1", "CronJob"), WatchedKind("v1", "PersistentVolumeClaim"),
        WatchedKind("v1", "ConfigMap"), WatchedKind("v1", "Secret"), WatchedKind("networking.k8s.io/v1", "Ingress"),
        WatchedKind("discovery.k8s.io/v1", "EndpointSlice"),
    ]
}
