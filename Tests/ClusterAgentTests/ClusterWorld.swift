import ClusterAgent
import Domain
import JSON

/// A simulated cluster and a virtual clock, for one test.
struct ClusterWorld {
    var cluster: SimulatedCluster
    /// Microseconds since 1970.
    var now: Int64 = 1_795_420_800_000_000
    var events: [ClusterEvent] = []
    /// How every object looked last.
    var latest: [ClusterObject.ID: ClusterObject] = [:]

    init(failure: SimulatedFailure? = nil, seed: UInt64 = 7, helm: HelmTemplate? = nil, file: ClusterFile? = nil) {
        cluster = SimulatedCluster(name: "east", seed: seed, failure: failure, helm: helm, file: file)
    }

    /// Lets seconds pass in small steps.
    mutating func pass(seconds: Double) {
        let end = now + Int64(seconds * 1_000_000)
        while now < end {
            now = min(now + 50_000, end)
            for event in cluster.poll(now: now) { note(event) }
        }
    }

    /// Lets time pass until the condition holds; returns whether it did within the limit.
    mutating func pass(atMost seconds: Int, until isDone: (ClusterWorld) -> Bool) -> Bool {
        let end = now + Int64(seconds) * 1_000_000
        while now < end {
            if isDone(self) { return true }
            pass(seconds: 0.05)
        }
        return isDone(self)
    }

    private mutating func note(_ event: ClusterEvent) {
        events.append(event)
        switch event {
        case .changed(let object): latest[object.id] = object
        case .gone(let object): latest[object.id] = nil
        case .finished, .agentFault, .waiting, .stage, .stageOutput, .happened, .logged, .drifted: break
        }
    }

    mutating func makeNamespace(_ name: String = "shop-staging") {
        let request = NamespaceRequested(
            command: "n-\(name)",
            generation: 1,
            environment: "shop/staging",
            namespace: name
        )
        cluster.start(.namespace(request), now: now)
        pass(seconds: 1)
    }

    /// Lets the cluster do the work and returns how it ended.
    mutating func finish(_ work: ClusterWork, secrets: OpenedSecrets = OpenedSecrets()) -> WorkFailure?? {
        cluster.start(work, secrets: secrets, now: now)
        _ = pass(atMost: 10) { $0.end(of: work.mark.command) != nil }
        return end(of: work.mark.command)
    }

    mutating func start(_ request: ReleaseRequested) {
        cluster.start(.release(request), now: now)
    }

    func all(_ kind: String) -> [ClusterObject] {
        latest.values.filter { $0.id.kind == kind }.sorted { $0.id < $1.id }
    }

    func pods(generation: Int) -> [ClusterObject] {
        all("Pod").filter { $0.labels["slipway.io/generation"] == String(generation) }
    }

    /// The end of the command's work: `nil` before it, else its failure if it has one.
    func end(of command: String) -> WorkFailure?? {
        for case .finished(let work, let failure) in events where work.mark.command == command { return .some(failure) }
        return nil
    }
}

extension ReleaseRequested {
    /// A release of the application web.
    static func web(
        generation: Int64 = 1,
        command: String? = nil,
        version: String = "1.0.0",
        values: String = "replicaCount: 2\n",
        chart: ChartReference? = nil,
        instance: String = "web-1"
    ) -> ReleaseRequested {
        ReleaseRequested(
            command: command ?? "c-\(generation)",
            generation: generation,
            namespace: "shop-staging",
            instance: instance,
            application: "web",
            version: version,
            image: "registry.example/web:\(version)",
            chart: chart,
            values: values,
            deadline: "2026-11-23T09:00:00.000Z"
        )
    }
}

extension ClusterObject {
    /// The condition of that type.
    func condition(_ type: String) -> ObjectValue? {
        status?["conditions"]?.elements.first { $0["type"]?.string == type }
    }

    /// Ready as Kubernetes says it of a pod.
    var isReady: Bool { condition("Ready")?["status"]?.string == "True" }

    /// Healthy by Argo CD's rule for Deployments.
    var isRolledOut: Bool {
        let count: (String) -> Int64 = { status?[$0]?.int ?? 0 }
        return count("observedGeneration") >= (generation ?? 0) && count("updatedReplicas") == spec?["replicas"]?.int
            && count("replicas") == count("updatedReplicas") && count("availableReplicas") == count("updatedReplicas")
    }

    /// Why the first container waits.
    var waitingReason: String? {
        status?["containerStatuses"]?.elements.first?.path("state", "waiting", "reason")?.string
    }
}
