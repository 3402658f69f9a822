import Domain

extension SimulatedCluster {
    /// Makes a pod of a ReplicaSet, which fails in the way its release was told to.
    mutating func createPod(of replicaSet: ClusterObject) {
        let template = replicaSet.spec?["template"] ?? .empty
        let id = ClusterObject.ID(
            kind: "Pod",
            namespace: replicaSet.id.namespace,
            name: "\(replicaSet.id.name)-\(random.suffix(5))"
        )
        let failure = replicaSet.instance.flatMap {
            releases[.release(namespace: replicaSet.id.namespace, instance: $0)]?.failure
        }
        let life = PodLife(failure: failure)
        let pod = ClusterObject(
            id: id,
            apiVersion: "v1",
            uid: random.uuid(),
            generation: nil,
            resourceVersion: "",
            labels: Manifest.texts(template.path("metadata", "labels")),
            owner: replicaSet.asOwner,
            createdAt: now,
            spec: template["spec"],
            status: .empty
        )
        lives[id] = life
        putPod(pod, life)
        later(timings.schedule, .advance(id, uid: pod.uid))
    }

    /// Lets a pod take its next step.
    mutating func advancePod(_ id: ClusterObject.ID, uid: String) {
        guard let pod = objects[id], pod.uid == uid, pod.deletedAt == nil, var life = lives[id] else { return }
        let wait = life.advance(now: now, timings)
        lives[id] = life
        if let wait { later(wait, .advance(id, uid: uid)) }
        putPod(pod, life)
        reconcileOwner(pod.owner, in: id.namespace)
    }

    /// Begins to end a pod: it stays, marked, for as long as its containers take.
    mutating func delete(_ pod: ClusterObject) {
        var pod = pod
        pod.deletedAt = now
        put(pod)
        later(timings.terminate, .remove(pod.id, uid: pod.uid))
    }

    private mutating func putPod(_ pod: ClusterObject, _ life: PodLife) {
        var pod = pod
        if life.scheduledAt != nil {
            pod.spec?["nodeName"] = .string("node-\(StableHash.of(pod.uid) % 3 + 1)")
        }
        pod.status = PodStatus(pod: pod, life: life, timings: timings, now: now).value
        put(pod)
    }
}
