public import Domain
import WorkerRuntime

/// A Kubernetes cluster as far as an agent can see it, played under a virtual clock.
///
/// A value: with the same seed, commands and times it does the same things. It makes what a release consists of,
/// schedules, pulls, starts and becomes ready over seconds, rolls from one version to the next, and fails on demand.
/// It forgets everything with the process, unless it is kept in a file, see ``ClusterFile``; its uid follows from its name,
/// so that a new process speaks for the same cluster.
public struct SimulatedCluster: Cluster, Sendable {
    /// What happens later.
    enum Step: Sendable, Hashable {
        case begin(ClusterWork)
        case goOn(CommandSubject)
        case clear(ClusterWork)
        case reconcile(ClusterObject.ID)
        case endpoints(namespace: String)
        case follow(command: String)
        case advance(ClusterObject.ID, uid: String)
        case remove(ClusterObject.ID, uid: String)
        case settle(ClusterObject.ID, uid: String)
        case checkProgress(ClusterObject.ID)
        case conclude(ClusterWork)
        case vanish(namespace: String)

        /// Whether it is the agent's own, and not what the cluster does by itself.
        var isAgents: Bool {
            switch self {
            case .begin, .goOn, .clear, .follow, .conclude: true
            case .reconcile, .endpoints, .advance, .remove, .settle, .checkProgress, .vanish: false
            }
        }
    }

    /// What is known of a release, or of single objects, beside the objects themselves.
    struct Release: Codable, Sendable, Hashable {
        var objects: [ClusterObject.ID]
        var failure: SimulatedFailure?
        /// The label that it wants on the pods of some instances.
        var podMark: PodMark?
        /// What the release was made of; `nil` for single objects.
        var form: ReleaseForm?
        /// The command that made it what it is.
        var made: CommandMark?
        /// The command that decided what it is made of.
        var deployment: String?
        /// The command whose marks its pods carry.
        var template: CommandMark?
        var hooks: [Hook] = []
        /// The secrets with which its images are pulled: others may use them too.
        var registries: Set<ClusterObject.ID> = []
        /// Whether the agent was lost while it changed it.
        var isInterrupted: Bool?
    }

    /// The uid of the `kube-system` namespace.
    public let uid: String
    /// How long things take.
    public var timings: SimulatedTimings
    /// How every release goes wrong that does not say otherwise in its values.
    public var failure: SimulatedFailure?
    let helm: HelmTemplate?
    /// Where it is kept; `nil` where it goes with the process.
    let file: ClusterFile?
    /// Whether it forgets which command made what, so that everything is done again, and differently: to see that it is noticed.
    let doesAgain: Bool
    /// What was written to the file, and what is still to be.
    var kept = Kept()
    /// How often an object was changed, made or removed.
    var changes = 0

    var now: Int64 = 0
    var random: SeededRandom
    var agenda = Agenda<Step>()
    var objects: [ClusterObject.ID: ClusterObject] = [:]
    /// The objects that belong to the object of a uid.
    var children: [String: Set<ClusterObject.ID>] = [:]
    var lives: [ClusterObject.ID: PodLife] = [:]
    var rollouts: [ClusterObject.ID: Rollout] = [:]
    var namespaceNames: Set<String> = []
    /// Those of them that are being removed.
    var terminating: Set<String> = []
    var releases: [CommandSubject: Release] = [:]
    /// Releases that are being changed, with the hooks that are still to run.
    var operations: [CommandSubject: Operation] = [:]
    /// What the pods of Jobs do.
    var tasks: [ClusterObject.ID: PodLife.Task] = [:]
    /// The logs that are being told, by their commands.
    var follows: [String: Follow] = [:]
    /// The Events of each object, told again when they happen again.
    var happened: [ClusterObject.ID: [String: KubernetesEvent]] = [:]
    /// The namespaces whose endpoints are about to be looked at.
    var unsettledEndpoints: Set<String> = []
    /// Which command made each subject what it is, also after its removal.
    var marks: [CommandSubject: CommandMark] = [:]
    /// The commands that were done before those.
    var former: [CommandSubject: Set<String>] = [:]
    /// Commands that are being done, with what they confide: one that comes again meanwhile is not done twice.
    var underway: [CommandMark: OpenedSecrets] = [:]
    var brought: Set<WatchedKind> = []
    var version: Int64 = 1000
    var events: [ClusterEvent] = []

    /// Makes an empty cluster, or opens the one that is kept.
    ///
    /// - Parameters:
    ///   - name: The cluster's name, from which its uid follows.
    ///   - seed: What its uids, names and times vary by.
    ///   - helm: Renders charts; `nil` makes a plain Deployment and Service of every release.
    ///   - file: Where it is kept; `nil` where it goes with the process.
    ///   - doesAgain: Whether it is unsound: it forgets what was done.
    public init(
        name: String,
        seed: UInt64 = 1,
        timings: SimulatedTimings = SimulatedTimings(),
        failure: SimulatedFailure? = nil,
        helm: HelmTemplate? = nil,
        file: ClusterFile? = nil,
        doesAgain: Bool = false
    ) {
        var identity = SeededRandom(seed: StableHash.of(name))
        uid = identity.uuid()
        random = SeededRandom(seed: seed ^ StableHash.of(name))
        self.timings = timings
        self.failure = failure
        self.helm = helm
        self.file = file
        self.doesAgain = doesAgain
        takeTurn(at: 0)
        file?.endTurn()
    }

    /// The usual kinds, and every other that was ever brought: a snapshot tells also that none is left.
    public var kinds: [WatchedKind] {
        let more = brought.subtracting(WatchedKind.usual)
        return WatchedKind.usual + more.sorted { ($0.apiVersion, $0.kind) < ($1.apiVersion, $1.kind) }
    }

    /// The namespaces that were made, in order.
    public var namespaces: [String] { namespaceNames.sorted() }

    /// Which command made the subject what it is.
    public func mark(of subject: CommandSubject) -> CommandMark? { marks[subject] }

    /// Whether a command was done before the newest one.
    public func hasDone(_ command: String, before mark: CommandMark, of subject: CommandSubject) -> Bool {
        former[subject]?.contains(command) ?? false
    }

    /// The objects of a release or of single objects; a namespace has none.
    public func objects(of subject: CommandSubject) -> [AppliedObject] {
        (releases[subject]?.objects ?? [])
            .compactMap { objects[$0] }
            .map {
                AppliedObject(
                    apiVersion: $0.apiVersion,
                    kind: $0.id.kind,
                    namespace: $0.id.namespace,
                    name: $0.id.name,
                    uid: $0.uid,
                    generation: $0.generation ?? 0,
                    resourceVersion: $0.resourceVersion
                )
            }
    }

    /// The objects of a kind, by name.
    public func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject] {
        objects.values
            .filter { $0.id.namespace == namespace && $0.id.kind == kind.kind && $0.apiVersion == kind.apiVersion }
            .sorted { $0.id < $1.id }
    }

    /// Begins to do what a command asks for; it ends after the time that helm takes.
    public mutating func start(_ work: ClusterWork, secrets: OpenedSecrets, now: Int64) {
        takeTurn(at: now)
        defer { endTurn() }
        advance(to: now)
        if case .log(let request) = work { return tell(request) }
        guard underway[work.mark] == nil else { return }
        underway[work.mark] = secrets
        later(timings.apply, .begin(work))
    }

    /// Ends a log that is being told.
    public mutating func endLog(of command: String, now: Int64) {
        takeTurn(at: now)
        defer { endTurn() }
        advance(to: now)
        follows[command] = nil
    }

    /// Lets the time pass and returns what happened in it.
    public mutating func poll(now: Int64) -> [ClusterEvent] {
        takeTurn(at: now)
        advance(to: now)
        endTurn()
        defer { events = [] }
        return events
    }

    /// Deletes pods, as somebody with `kubectl` would; returns how many there were to delete.
    public mutating func deletePods(atMost count: Int, now: Int64) -> Int {
        takeTurn(at: now)
        defer { endTurn() }
        advance(to: now)
        let pods = objects.values.filter { $0.id.kind == "Pod" && $0.deletedAt == nil }.sorted { $0.id < $1.id }
        for pod in pods.prefix(count) { delete(pod) }
        return min(count, pods.count)
    }

    /// Takes a namespace away with everything in it, as somebody with `kubectl` would.
    public mutating func deleteNamespace(_ name: String, now: Int64) {
        takeTurn(at: now)
        defer { endTurn() }
        advance(to: now)
        namespaceNames.remove(name)
        forgetReleases(of: name)
        marks = marks.filter { $0.key.namespace != name }
        empty(name)
    }

    /// When something happens next; `nil` while everything rests.
    public var nextTime: Int64? { agenda.nextTime }

    private mutating func advance(to time: Int64) {
        while let (due, step) = agenda.next(dueAt: time) {
            now = max(now, due)
            guard step.isAgents || file?.isController != false else { continue }
            perform(step)
        }
        now = max(now, time)
    }

    private mutating func perform(_ step: Step) {
        switch step {
        case .begin(let work): begin(work)
        case .goOn(let subject): goOn(subject)
        case .clear(let work): clear(work)
        case .reconcile(let id): reconcile(id)
        case .endpoints(let namespace): updateEndpoints(in: namespace)
        case .follow(let command): follow(command)
        case .advance(let id, let uid): advancePod(id, uid: uid)
        case .remove(let id, let uid):
            guard objects[id]?.uid == uid else { return }
            let owner = objects[id]?.owner
            remove(id)
            reconcileOwner(owner, in: id.namespace)
        case .settle(let id, let uid): settle(id, uid: uid)
        case .checkProgress(let id): reconcile(id)
        case .conclude(let work): conclude(work, nil)
        case .vanish(let namespace):
            if terminating.contains(namespace), !vanish(namespace) {
                later(timings.observe, .vanish(namespace: namespace))
            }
        }
    }

    mutating func later(_ time: Int64, _ step: Step) {
        agenda.add(step, at: now + timings.varied(time, &random))
    }

    mutating func report(_ event: ClusterEvent) { events.append(event) }

    /// The version that the next change of an object gets.
    mutating func nextVersion(of kind: WatchedKind) -> String {
        brought.insert(kind)
        version += 1
        return String(version)
    }
}
