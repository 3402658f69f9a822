import CloudEvents
import Domain
import Kubernetes
import Synchronization

/// Tells of the hook Jobs of the releases that are being changed: when they begin, how they end, what they wrote.
struct StageTeller: Sendable {
    let client: KubernetesClient
    let view: ClusterView

    /// How many lines of a Job's output are read at most: of those, the end is told.
    private static let lines = 2000
    /// How many bytes of it are held at least; more are not told.
    private static let bytes = 1 << 16

    func look(at job: ClusterObject) {
        guard let moment = job.annotations["helm.sh/hook"]?.split(separator: ",").first.map(String.init) else { return }
        let state = Self.state(of: job)
        guard let work = view.release(ofHook: job, in: state) else { return }
        let stage = ReleaseStage(
            name: job.id.name,
            kind: moment,
            weight: job.annotations["helm.sh/hook-weight"].flatMap { Int($0) } ?? 0,
            state: state,
            startedAt: job.status?["startTime"]?.string ?? RFC3339.format(microseconds: job.createdAt),
            endedAt: state == .running ? nil : Self.end(of: job)
        )
        view.tell(.stage(work, stage))
        if state != .running { Task { await tellOutput(of: job, work) } }
    }

    private static func condition(_ type: String, of job: ClusterObject) -> ObjectValue? {
        job.status?["conditions"]?.elements.first { $0["type"]?.string == type && $0["status"]?.string == "True" }
    }

    private static func state(of job: ClusterObject) -> ReleaseStage.State {
        if condition("Complete", of: job) != nil { return .succeeded }
        return condition("Failed", of: job) != nil ? .failed : .running
    }

    private static func end(of job: ClusterObject) -> String? {
        job.status?["completionTime"]?.string ?? condition("Failed", of: job)?["lastTransitionTime"]?.string
    }

    /// Pods that helm has deleted meanwhile have no output any more.
    private func tellOutput(of job: ClusterObject, _ work: ClusterWork) async {
        let pods = view.objects(in: job.id.namespace, kind: WatchedKind("v1", "Pod"))
            .filter { $0.owner?.uid == job.uid }.sorted { $0.createdAt < $1.createdAt }
        guard let pod = pods.last, let container = pod.spec?["containers"]?.elements.first?["name"]?.string else {
            return
        }
        let tail = Mutex<[UInt8]>([])
        try? await client.log(
            of: pod.id.name,
            in: pod.id.namespace,
            KubernetesClient.LogRange(container: container, lines: Self.lines),
            limit: .seconds(30)
        ) { line in
            tail.withLock { tail in
                tail += line + [UInt8(ascii: "\n")]
                if tail.count > 2 * Self.bytes { tail.removeFirst(tail.count - Self.bytes) }
            }
        }
        let output = String(decoding: tail.withLock { $0 }, as: UTF8.self)
        if !output.isEmpty { view.tell(.stageOutput(work, stage: job.id.name, output: output)) }
    }
}
