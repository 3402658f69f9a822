import Domain
import Kubernetes
import Logging

/// Keeps the labels on pods by which networks of several instances find them, and takes away those that
/// a network does not want any more.
struct PodMarker: Sendable {
    let client: KubernetesClient
    let view: ClusterView
    let logger: Logger

    private static let prefix = "network.slipway.io/"

    /// Looks at a pod that has changed, and begins to mend its labels where they are not as wanted.
    func look(at pod: ClusterObject) {
        guard let patch = patch(for: pod) else { return }
        Task {
            do throws(KubernetesError) {
                try await send(patch, to: pod)
            } catch {
                // The next change of the pod, its next list, or the next command of a network has it looked at again.
                logger.warning("labels of the pod '\(pod.id.name)': \(error)")
            }
        }
    }

    /// Looks at every pod of a namespace; returns when their labels are as wanted.
    func lookAtAll(in namespace: String) async throws(KubernetesError) {
        for pod in view.objects(in: namespace, kind: WatchedKind("v1", "Pod")) {
            if let patch = patch(for: pod) { try await send(patch, to: pod) }
        }
    }

    private func patch(for pod: ClusterObject) -> ObjectValue? {
        guard pod.deletedAt == nil, let instance = pod.instance else { return nil }
        let wanted = view.podMarks(of: instance, in: pod.id.namespace)
        let present = Set(pod.labels.keys.filter { $0.hasPrefix(Self.prefix) })
        let missing = wanted.subtracting(present)
        var stale = present.subtracting(wanted)
        // An agent that has lost its marks, or keeps them elsewhere now, must not end networks that it knows nothing of.
        if !stale.isEmpty { stale.formIntersection(view.networkLabels(in: pod.id.namespace)) }
        guard !missing.isEmpty || !stale.isEmpty else { return nil }
        let members =
            missing.sorted().map { ObjectValue.Member($0, "true") }
            + stale.sorted().map { ObjectValue.Member($0, .null) }
        return ["metadata": ["labels": .object(members)]]
    }

    /// A pod that is not there any more needs no labels.
    private func send(_ patch: ObjectValue, to pod: ClusterObject) async throws(KubernetesError) {
        let kind = try await client.requireKind("Pod", "v1")
        do throws(KubernetesError) {
            _ = try await client.patch(patch.json, kind, namespace: pod.id.namespace, name: pod.id.name)
        } catch {
            if !error.isNotFound { throw error }
        }
    }
}
