import Domain
import WorkerRuntime

/// The StatefulSet controller: pods with numbers, made in order and replaced in the reverse one.
extension SimulatedCluster {
    mutating func reconcileStatefulSet(_ id: ClusterObject.ID) {
        guard let set = objects[id], let spec = set.spec else { return }
        let wanted = max(0, spec["replicas"]?.int ?? 1)
        let revision = "\(id.name)-\(Self.revision(of: spec["template"] ?? .empty))"
        scale(set, to: wanted, revision: revision, inOrder: spec["podManagementPolicy"]?.string != "Parallel")
        updateStatus(of: id, revision: revision, wanted: wanted)
    }

    private static let revisionLabel = "controller-revision-hash"
    private static let nameLabel = "statefulset.kubernetes.io/pod-name"

    private static func revision(of template: ObjectValue) -> String {
        var hashed = SeededRandom(seed: StableHash.of(template.json))
        return hashed.suffix(10)
    }

    /// Makes, ends or replaces pods: in order, one at a time, and none while another is not ready.
    private mutating func scale(_ set: ClusterObject, to wanted: Int64, revision: String, inOrder: Bool) {
        for number in 0..<wanted {
            let name = "\(set.id.name)-\(number)"
            let id = ClusterObject.ID(kind: "Pod", namespace: set.id.namespace, name: name)
            if let pod = objects[id] {
                if inOrder, !isReady(pod) || pod.deletedAt != nil { return }
            } else {
                createPod(of: set, named: name, labels: [Self.revisionLabel: revision, Self.nameLabel: name])
                if inOrder { return }
            }
        }
        let pods = owned(by: set, kind: "Pod").sorted { Self.number(of: $0) > Self.number(of: $1) }
        guard !pods.contains(where: { $0.deletedAt != nil }) else { return }
        if let surplus = pods.first(where: { Self.number(of: $0) >= wanted }) { return delete(surplus) }
        guard set.spec?.path("updateStrategy", "type")?.string != "OnDelete" else { return }
        if let old = pods.first(where: { $0.labels[Self.revisionLabel] != revision }) { delete(old) }
    }

    private static func number(of pod: ClusterObject) -> Int64 {
        pod.id.name.split(separator: "-").last.flatMap { Int64($0) } ?? 0
    }

    private mutating func updateStatus(of id: ClusterObject.ID, revision: String, wanted: Int64) {
        guard var set = objects[id] else { return }
        let pods = owned(by: set, kind: "Pod").filter { $0.deletedAt == nil }
        let ready = Int64(pods.filter(isReady).count)
        let updated = Int64(pods.filter { $0.labels[Self.revisionLabel] == revision }.count)
        let isDone = updated == wanted && ready == wanted && pods.count == wanted
        let current = isDone ? revision : set.status?["currentRevision"]?.string ?? revision
        var status: ObjectValue = [
            "observedGeneration": .int(set.generation ?? 1), "replicas": .int(Int64(pods.count)),
            "availableReplicas": .int(ready), "currentRevision": .string(current), "updateRevision": .string(revision),
            "collisionCount": 0,
        ]
        let kept = Int64(pods.filter { $0.labels[Self.revisionLabel] == current }.count)
        // Zeros are left out, as Go does it.
        for (name, number) in [("readyReplicas", ready), ("currentReplicas", kept), ("updatedReplicas", updated)]
        where number > 0 { status[name] = .int(number) }
        set.status = status
        put(set)
    }
}
