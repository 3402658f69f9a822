public import Domain
public import Kubernetes
public import Logging
import Synchronization

/// A real Kubernetes cluster as its agent sees it: it watches and works on tasks of its own, and tells when it is asked.
public final class KubernetesCluster: Cluster, Sendable {
    /// The account that the agent runs as in its cluster, where it gets its rights namespace by namespace.
    public struct Account: Sendable {
        /// The service account's name, in the agent's own namespace.
        public var name: String
        /// The ClusterRole that it is given in each of its namespaces.
        public var environmentRole: String

        /// Names an account.
        public init(name: String, environmentRole: String) {
            (self.name, self.environmentRole) = (name, environmentRole)
        }
    }

    /// The uid of the `kube-system` namespace.
    public let uid: String
    /// The kinds that the cluster has, of those that are of interest.
    public let kinds: [WatchedKind]

    private let view: ClusterView
    private let watch: ClusterWatch
    private let runner: WorkRunner
    private let logs: LogReader
    private let drifts: DriftWatch
    /// What is under way, so that a command which comes again meanwhile is not done twice.
    private let underway = Mutex<[CommandMark: Task<Void, Never>]>([:])
    /// What is under way and is not to be tried again.
    private let givenUp = Mutex<Set<CommandMark>>([])

    /// Connects, and returns when everything in the agent's namespaces was listed once: only then may it speak.
    ///
    /// - Parameters:
    ///   - cluster: The cluster's name.
    ///   - home: The agent's own namespace, in which it keeps which command made what; made where it is not there.
    ///   - account: `nil` where the agent has its rights in the whole cluster.
    /// - Throws: ``KubernetesError``, where the server refuses; one that is away is waited for.
    public static func connect(
        _ client: KubernetesClient,
        cluster: String,
        home: String,
        account: Account? = nil,
        helm: HelmProgram,
        logger: Logger
    ) async throws -> KubernetesCluster {
        helm.removeLeftovers()
        var isTold = false
        while true {
            do {
                return try await KubernetesCluster(client, cluster, home, account, helm, logger)
            } catch let error as KubernetesError {
                guard error.isRetriable else { throw error }
                if !isTold { logger.warning("\(error)") }
                isTold = true
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private init(
        _ client: KubernetesClient,
        _ cluster: String,
        _ home: String,
        _ account: Account?,
        _ helm: HelmProgram,
        _ logger: Logger
    ) async throws {
        let namespace = try await client.requireKind("Namespace", "v1")
        let system = try ObjectValue(answer: await client.get(namespace, namespace: nil, name: "kube-system"))
        guard let uid = system.path("metadata", "uid")?.string else {
            throw KubernetesError(status: 422, reason: "NoUID", message: "The namespace 'kube-system' has no uid.")
        }
        self.uid = uid
        try await Self.makeHome(home, client)
        let found = try await FoundKinds(client)
        kinds = found.kinds.map(\.watched)
        view = ClusterView(kinds: kinds)
        let grant = NamespaceGrant(client: client, account: account, home: home)
        let isConfined = try await grant.mayConfineHelm()
        if account != nil, !isConfined {
            let helmAccount = NamespaceGrant.helmAccount
            logger.warning("charts can read all of the agent's namespaces: it may not act as '\(helmAccount)'")
        }
        let marks = MarkStore(client: client, view: view, cluster: cluster, home: home)
        try await marks.load()
        let watch = ClusterWatch(found, grant, view, cluster: cluster, logger: logger)
        self.watch = watch
        do {
            try await watch.start()
            if isConfined { try await grant.renew(in: view.namespaces, logger) }
        } catch {
            await watch.stop()
            throw error
        }
        do {
            try await marks.dropForgotten()
        } catch {
            logger.warning("marks that protect nothing any more stay until the next start: \(error)")
        }
        logs = LogReader(client: client, view: view)
        drifts = DriftWatch(view: view)
        runner = WorkRunner(
            client: client,
            view: view,
            watch: watch,
            marks: marks,
            helm: isConfined ? helm.acting(as: NamespaceGrant.helmAccount) : helm,
            pods: PodMarker(client: client, view: view, logger: logger),
            cluster: cluster,
            home: home,
            grant: grant,
            logger: logger
        )
    }

    /// Makes the agent's own namespace where it is not there.
    static func makeHome(_ name: String, _ client: KubernetesClient) async throws {
        let kind = try await client.requireKind("Namespace", "v1")
        do throws(KubernetesError) {
            _ = try await client.get(kind, namespace: nil, name: name)
        } catch {
            guard error.isNotFound else { throw error }
            let object: ObjectValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
            _ = try await client.create(object.json, kind, namespace: nil)
        }
    }

    /// The namespaces that the agent made and that are there.
    public var namespaces: [String] { view.namespaces }

    /// How many objects are seen.
    public var watchedCount: Int { view.count }

    /// Which command made the subject what it is, as the cluster itself remembers it.
    public func mark(of subject: CommandSubject) -> CommandMark? { view.record(of: subject)?.mark }

    /// Whether a command was done before the newest one, as the cluster itself remembers it.
    public func hasDone(_ command: String, before mark: CommandMark, of subject: CommandSubject) -> Bool {
        view.record(of: subject)?.former?.contains(command) ?? false
    }

    /// The objects that the subject's newest command applied and that are watched, with the generations that they have now.
    public func objects(of subject: CommandSubject) -> [AppliedObject] {
        (view.record(of: subject)?.followed(kinds) ?? []).map { applied in
            let id = ClusterObject.ID(kind: applied.kind, namespace: applied.namespace, name: applied.name)
            guard let now = view.object(id), now.uid == applied.uid else { return applied }
            var applied = applied
            applied.generation = max(applied.generation, now.generation ?? 0)
            return applied
        }
    }

    /// The objects of a kind, by name.
    public func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject] {
        view.objects(in: namespace, kind: kind)
    }

    /// Begins to do what a command asks for.
    public func start(_ work: ClusterWork, secrets: OpenedSecrets, now: Int64) {
        underway.withLock { underway in
            guard underway[work.mark] == nil else { return }
            underway[work.mark] = Task { [view, runner, logs] in
                if case .log(let request) = work {
                    await logs.run(request, work)
                } else {
                    let failure = await runner.run(work, secrets) { !self.givenUp.withLock { $0.contains(work.mark) } }
                    view.tell(.finished(work, failure))
                }
                self.underway.withLock { $0[work.mark] = nil }
                self.givenUp.withLock { _ = $0.remove(work.mark) }
            }
        }
    }

    /// Lets work that waits for the API server end at its next attempt.
    public func giveUp(_ mark: CommandMark) {
        underway.withLock { underway in
            if underway[mark] != nil { givenUp.withLock { _ = $0.insert(mark) } }
        }
    }

    /// Ends work where it stands, also a helm that is running: what that leaves behind the next agent repairs.
    public func abandon(_ mark: CommandMark) {
        giveUp(mark)
        underway.withLock { $0[mark] }?.cancel()
    }

    /// Ends every watch and all work, and forgets what was seen.
    public func close() {
        for task in underway.withLock({ Array($0.values) }) { task.cancel() }
        // First: a namespace that is told of meanwhile is not watched any more.
        view.close()
        Task { [watch] in await watch.stop() }
    }

    /// Ends a log before its own end.
    public func endLog(of command: String, now: Int64) {
        underway.withLock { $0[CommandMark(command: command, generation: 0)] }?.cancel()
    }

    /// What has happened since the last poll.
    public func poll(now: Int64) -> [ClusterEvent] { view.poll() + drifts.poll(now: now) }

    /// What is not as the subject's newest command has left it.
    public func drift(of subject: CommandSubject) -> [DriftedObject] { drifts.drift(of: subject) }
}
