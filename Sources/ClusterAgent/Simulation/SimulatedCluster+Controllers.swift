import Domain
import WorkerRuntime

extension SimulatedCluster {
    /// Lets the controller of an object's kind look at it.
    mutating func reconcile(_ id: ClusterObject.ID) {
        switch id.kind {
        case "Deployment": reconcileDeployment(id)
        case "StatefulSet": reconcileStatefulSet(id)
        case "Job": reconcileJob(id)
        default: break
        }
    }

    /// The Deployment controller: one ReplicaSet a template, rolled within the limits, and a status that says so.
    private mutating func reconcileDeployment(_ id: ClusterObject.ID) {
        guard let deployment = objects[id], let spec = deployment.spec else { return }
        let current = replicaSet(of: deployment)
        let limits = RollingUpdate(spec: spec)
        roll(deployment, to: current, within: limits)
        updateStatus(of: deployment, current: current, limits)
        trimHistory(of: deployment, current: current)
    }

    /// What owns an object reacts to its change: a pod's ReplicaSet, and with it the Deployment.
    mutating func reconcileOwner(_ owner: ClusterObject.Owner?, in namespace: String) {
        guard let owner else { return }
        let id = ClusterObject.ID(kind: owner.kind, namespace: namespace, name: owner.name)
        guard let object = objects[id], object.uid == owner.uid else { return }
        if owner.kind == "ReplicaSet" {
            scale(id)
            reconcileOwner(object.owner, in: namespace)
        } else {
            reconcile(id)
        }
    }

    /// The ReplicaSet of the Deployment's present template, made where there is none.
    private mutating func replicaSet(of deployment: ClusterObject) -> ClusterObject.ID {
        let template = deployment.spec?["template"] ?? .empty
        var hashed = SeededRandom(seed: StableHash.of(template.json))
        let hash = hashed.suffix(10)
        let id = ClusterObject.ID(
            kind: "ReplicaSet",
            namespace: deployment.id.namespace,
            name: "\(deployment.id.name)-\(hash)"
        )
        guard objects[id] == nil else { return id }
        var labels = (template.path("metadata", "labels") ?? .empty).texts
        labels[Label.podTemplateHash] = hash
        let values = ObjectValue.object(labels.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
        var podTemplate = template
        podTemplate["metadata"] = (template["metadata"] ?? .empty).merging(["labels": values])
        put(
            ClusterObject(
                id: id,
                apiVersion: "apps/v1",
                uid: random.uuid(),
                generation: 1,
                resourceVersion: "",
                labels: labels,
                owner: deployment.asOwner,
                createdAt: now,
                spec: ["replicas": 0, "selector": ["matchLabels": values], "template": podTemplate],
                status: ["observedGeneration": 1, "replicas": 0]
            )
        )
        return id
    }

    private mutating func roll(_ deployment: ClusterObject, to current: ClusterObject.ID, within limits: RollingUpdate)
    {
        let all = owned(by: deployment, kind: "ReplicaSet")
        let old = all.filter { $0.id != current }
        let (oldTotal, oldAvailable) = (old.reduce(0) { $0 + wanted($1) }, old.reduce(0) { $0 + ready($1) })
        let present = objects[current]
        let (size, available) = (present.map(wanted) ?? 0, present.map(ready) ?? 0)
        // Recreate waits for the old pods' end before it makes a new one.
        let isWaiting =
            deployment.spec?.path("strategy", "type")?.string == "Recreate" && old.contains { pods(of: $0) > 0 }
        let next = isWaiting ? 0 : limits.newSize(now: size, total: oldTotal + size)
        resize(current, to: next)
        var surplus = limits.shrinkable(
            oldTotal: oldTotal,
            oldAvailable: oldAvailable,
            newSize: next,
            newAvailable: available
        )
        for replicaSet in old where surplus > 0 {
            let less = min(surplus, wanted(replicaSet))
            surplus -= less
            resize(replicaSet.id, to: wanted(replicaSet) - less)
        }
    }

    /// Old ReplicaSets stay for rollbacks, as many as the Deployment keeps.
    private mutating func trimHistory(of deployment: ClusterObject, current: ClusterObject.ID) {
        let limit = Int(deployment.spec?["revisionHistoryLimit"]?.int ?? 10)
        let idle = owned(by: deployment, kind: "ReplicaSet")
            .filter { $0.id != current && wanted($0) == 0 && owned(by: $0, kind: "Pod").isEmpty }
            .sorted { $0.createdAt < $1.createdAt }
        for replicaSet in idle.prefix(max(0, idle.count - limit)) { remove(replicaSet.id) }
    }

    private mutating func resize(_ id: ClusterObject.ID, to count: Int64) {
        guard var replicaSet = objects[id], wanted(replicaSet) != count else { return scale(id) }
        replicaSet.spec?["replicas"] = .int(count)
        replicaSet.generation = (replicaSet.generation ?? 0) + 1
        put(replicaSet)
        scale(id)
    }

    /// The ReplicaSet controller: as many pods as wanted, those that are not ready going first.
    private mutating func scale(_ id: ClusterObject.ID) {
        guard let replicaSet = objects[id] else { return }
        let living = owned(by: replicaSet, kind: "Pod").filter { $0.deletedAt == nil }
        let missing = Int(wanted(replicaSet)) - living.count
        for _ in 0..<max(0, missing) { createPod(of: replicaSet, named: "\(id.name)-\(random.suffix(5))") }
        let unready = living.sorted { isReady($0) == isReady($1) ? $0.createdAt > $1.createdAt : !isReady($0) }
        for pod in unready.prefix(max(0, -missing)) { delete(pod) }
        guard var updated = objects[id] else { return }
        let ready = ready(updated)
        var status: ObjectValue = ["observedGeneration": .int(updated.generation ?? 1)]
        status["replicas"] = .int(pods(of: updated))
        if pods(of: updated) > 0 { status["fullyLabeledReplicas"] = .int(pods(of: updated)) }
        if ready > 0 {
            status["readyReplicas"] = .int(ready)
            status["availableReplicas"] = .int(ready)
        }
        updated.status = status
        put(updated)
    }

    private mutating func updateStatus(
        of deployment: ClusterObject,
        current: ClusterObject.ID,
        _ limits: RollingUpdate
    ) {
        guard var deployment = objects[deployment.id] else { return }
        let all = owned(by: deployment, kind: "ReplicaSet")
        let deadline = max(1, deployment.spec?["progressDeadlineSeconds"]?.int ?? 600) * 1_000_000
        let counts = Rollout.Counts(
            replicas: all.reduce(0) { $0 + pods(of: $1) },
            updated: objects[current].map(pods) ?? 0,
            ready: all.reduce(0) { $0 + ready($1) }
        )
        var rollout = rollouts[deployment.id] ?? Rollout()
        let before = rollout.progressedAt
        rollout.observe(
            counts,
            wanted: limits.wanted,
            generation: deployment.generation ?? 1,
            deadline: deadline,
            now: now
        )
        if rollout.progressedAt != before, !rollout.isComplete {
            agenda.add(.checkProgress(deployment.id), at: rollout.progressedAt + deadline)
        }
        if rollouts[deployment.id] != rollout { touch(deployment.id) }
        rollouts[deployment.id] = rollout
        deployment.status =
            DeploymentStatus(
                deployment: deployment,
                rollout: rollout,
                replicaSet: current.name,
                least: limits.wanted - limits.unavailable,
                wanted: limits.wanted
            ).value
        put(deployment)
    }

    private func wanted(_ replicaSet: ClusterObject) -> Int64 { replicaSet.spec?["replicas"]?.int ?? 0 }

    private func pods(of replicaSet: ClusterObject) -> Int64 {
        Int64(owned(by: replicaSet, kind: "Pod").filter { $0.deletedAt == nil }.count)
    }

    private func ready(_ replicaSet: ClusterObject) -> Int64 {
        Int64(owned(by: replicaSet, kind: "Pod").filter { $0.deletedAt == nil && isReady($0) }.count)
    }

    func isReady(_ pod: ClusterObject) -> Bool { lives[pod.id]?.state == .ready }
}
