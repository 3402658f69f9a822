import Domain
import Kubernetes
import Logging

/// Watches the agent's namespaces, and every kind in each of them.
actor ClusterWatch {
    private let client: KubernetesClient
    private let view: ClusterView
    private let cluster: String
    private let kinds: [(watched: WatchedKind, served: KubernetesKind)]
    private let events: KubernetesKind?
    private let logger: Logger
    private let grant: NamespaceGrant
    private let pods: PodMarker
    private let stages: StageTeller
    private var tasks: [String: [Task<Void, Never>]] = [:]
    private var namespaceTasks: [Task<Void, Never>] = []
    private var isListed = false

    /// The label of the agent's namespaces: the cluster that they are of.
    static let label = "slipway.io/cluster"

    init(_ found: FoundKinds, _ grant: NamespaceGrant, _ view: ClusterView, cluster: String, logger: Logger) {
        (client, self.grant, self.view, self.cluster, self.logger) = (grant.client, grant, view, cluster, logger)
        kinds = found.kinds
        events = found.events
        pods = PodMarker(client: client, view: view, logger: logger)
        stages = StageTeller(client: client, view: view)
    }

    /// Begins; returns when everything that was there has been listed once.
    func start() async throws {
        let kind = try await client.requireKind("Namespace", "v1")
        let (changes, continuation) = AsyncStream.makeStream(of: Change.self)
        let watcher = ObjectWatcher(
            client: client,
            kind: kind,
            namespace: nil,
            labels: "\(Self.label)=\(cluster)",
            logger: logger,
            read: { $0 },
            replace: { continuation.yield(.listed($0)) },
            put: { continuation.yield(.put($0)) },
            remove: { continuation.yield(.removed($0)) }
        )
        namespaceTasks = [
            Task { await watcher.run() },
            // One after the other: a namespace that is made and removed at once must not stay.
            Task { for await change in changes { take(change) } },
        ]
        while !isListed || !view.namespaces.allSatisfy(view.isListed) {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Ends every watch.
    func stop() {
        for task in namespaceTasks + tasks.values.flatMap(\.self) { task.cancel() }
        (namespaceTasks, tasks) = ([], [:])
    }

    /// What a watch tells of namespaces.
    private enum Change: Sendable {
        case listed([ObjectValue])
        case put(ObjectValue)
        case removed(ObjectValue)
    }

    private func take(_ change: Change) {
        switch change {
        case .listed(let namespaces): replace(namespaces)
        case .put(let namespace): put(namespace)
        case .removed(let namespace): remove(namespace)
        }
    }

    /// Takes a namespace that was just made, so that nobody has to wait for the watch to tell of it.
    func put(_ namespace: ObjectValue) {
        guard let metadata = namespace["metadata"], let name = metadata["name"]?.string,
            let uid = metadata["uid"]?.string
        else { return }
        let isTerminating = metadata["deletionTimestamp"] != nil
        guard view.note(ClusterView.Namespace(uid: uid, isTerminating: isTerminating), name: name) else { return }
        logger.info("watches the namespace '\(name)'")
        tasks[name] =
            kinds.map { kind in
                let watcher = watcher(of: kind.watched, kind.served, in: name)
                return Task { await watcher.run() }
            }
            + (events.map { kind in
                let watcher = eventWatcher(kind, in: name)
                return [Task { await watcher.run() }]
            } ?? [])
    }

    private func replace(_ namespaces: [ObjectValue]) {
        let names = Set(namespaces.compactMap { $0.path("metadata", "name")?.string })
        for gone in Set(tasks.keys).subtracting(names) { drop(gone) }
        for namespace in namespaces { put(namespace) }
        isListed = true
    }

    /// Forgets a namespace, unless another of that name was made since.
    private func remove(_ namespace: ObjectValue) {
        guard let name = namespace.path("metadata", "name")?.string else { return }
        let uid = namespace.path("metadata", "uid")?.string
        if let uid, let known = view.namespace(name), known.uid != uid { return }
        drop(name)
    }

    /// Forgets a namespace that is not there any more.
    func drop(_ name: String) {
        for task in tasks.removeValue(forKey: name) ?? [] { task.cancel() }
        view.drop(namespace: name)
        logger.info("the namespace '\(name)' is gone")
    }

    /// Rights that somebody has taken away, or that another installation of the agent was given, are given anew.
    private func regrant(in namespace: String) -> @Sendable () async -> Void {
        let (grant, logger) = (grant, logger)
        return {
            do {
                try await grant.give(in: namespace)
            } catch {
                logger.debug("rights in the namespace '\(namespace)': \(error)")
            }
        }
    }

    private func watcher(
        of watched: WatchedKind,
        _ served: KubernetesKind,
        in namespace: String
    ) -> ObjectWatcher<ClusterObject> {
        let (view, pods, stages) = (view, pods, stages)
        let put: @Sendable (ClusterObject) -> Void = { object in
            view.put(object, kind: watched)
            if watched.kind == "Pod" { pods.look(at: object) }
            if watched.kind == "Job" { stages.look(at: object) }
        }
        return ObjectWatcher(
            client: client,
            kind: served,
            namespace: namespace,
            labels: nil,
            logger: logger,
            read: { ClusterObject($0, of: watched) },
            replace: { objects in
                view.replace(objects, in: namespace, kind: watched)
                if ["Pod", "Job"].contains(watched.kind) { objects.forEach(put) }
            },
            put: put,
            remove: { value in
                guard let name = value.path("metadata", "name")?.string else { return }
                let id = ClusterObject.ID(kind: watched.kind, namespace: namespace, name: name)
                view.remove(id, kind: watched, uid: value.path("metadata", "uid")?.string)
            },
            isOptional: FoundKinds.isOptional(served),
            denied: regrant(in: namespace)
        )
    }

    private func eventWatcher(_ kind: KubernetesKind, in namespace: String) -> ObjectWatcher<KubernetesEvent> {
        let view = view
        return ObjectWatcher(
            client: client,
            kind: kind,
            namespace: namespace,
            labels: nil,
            logger: logger,
            read: { KubernetesEvent($0) { view.object($0)?.instance } },
            replace: { $0.forEach { view.tell($0) } },
            put: { view.tell($0) },
            remove: { _ in },
            denied: regrant(in: namespace)
        )
    }
}

/// The kinds that a cluster serves, of those that are of interest.
struct FoundKinds: Sendable {
    let kinds: [(watched: WatchedKind, served: KubernetesKind)]
    let events: KubernetesKind?

    /// What is watched where the cluster has it: the first of each line that it serves.
    private static let wanted: [[WatchedKind]] = WatchedKind.usual.map { kind in
        KindVersions.of(kind.kind, kind.apiVersion).map { WatchedKind($0, kind.kind) }
    }
    /// Whether a kind is watched also where the cluster does not have it.
    static func isOptional(_ kind: KubernetesKind) -> Bool { later.contains(kind) }

    /// What is watched also where the cluster does not have it yet: cert-manager may be installed any time.
    private static let later = [
        KubernetesKind(
            apiVersion: "cert-manager.io/v1",
            kind: "Certificate",
            plural: "certificates",
            isNamespaced: true
        )
    ]

    init(_ client: KubernetesClient) async throws(KubernetesError) {
        var found: [(WatchedKind, KubernetesKind)] = []
        for line in Self.wanted {
            for kind in line {
                guard let served = try await client.kind(kind.kind, kind.apiVersion) else { continue }
                found.append((kind, served))
                break
            }
        }
        kinds = found + Self.later.map { (WatchedKind($0.apiVersion, $0.kind), $0) }
        events = try await client.kind("Event", "v1")
    }
}
