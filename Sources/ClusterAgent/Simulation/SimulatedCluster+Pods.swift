import Domain
import WorkerRuntime

extension SimulatedCluster {
    /// Makes a pod, which fails in the way its release was told to; one with a task ends by itself.
    mutating func createPod(
        of owner: ClusterObject,
        named name: String,
        labels: [String: String] = [:],
        task: PodLife.Task? = nil
    ) {
        let template = owner.spec?["template"] ?? .empty
        let id = ClusterObject.ID(kind: "Pod", namespace: owner.id.namespace, name: name)
        let failure = owner.instance.flatMap { releases[.release(namespace: id.namespace, instance: $0)]?.failure }
        let life = PodLife(
            failure: task == nil ? failure : nil,
            initContainers: template.path("spec", "initContainers")?.elements.count ?? 0,
            task: task
        )
        let pod = ClusterObject(
            id: id,
            apiVersion: "v1",
            uid: random.uuid(),
            generation: nil,
            resourceVersion: "",
            labels: (template.path("metadata", "labels") ?? .empty).texts.merging(labels) { _, own in own },
            owner: owner.asOwner,
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
        let before = life.state
        let wait = life.advance(now: now, timings)
        lives[id] = life
        touch(id)
        if let wait { later(wait, .advance(id, uid: uid)) }
        putPod(pod, life)
        if let pod = objects[id] { tellEvents(of: pod, life, since: before) }
        reconcileOwner(pod.owner, in: id.namespace)
    }

    /// Begins to end a pod: it stays, marked, for as long as its containers take.
    mutating func delete(_ pod: ClusterObject) {
        var pod = pod
        pod.deletedAt = now
        put(pod)
        if lives[pod.id]?.isRunning == true {
            for container in pod.containerNames { tell(pod, "Killing", "Stopping container \(container)") }
        }
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

extension ClusterObject {
    /// The names of a pod's containers, without those that only run before them.
    var containerNames: [String] { (spec?["containers"]?.elements ?? []).compactMap { $0["name"]?.string } }
}
