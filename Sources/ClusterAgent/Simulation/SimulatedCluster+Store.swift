import Domain
import WorkerRuntime

/// The objects, as an API server keeps them.
extension SimulatedCluster {
    /// Stores an object; one that looks as before changes nothing.
    mutating func put(_ object: ClusterObject) {
        var object = object
        if object.id.kind == "Pod" { object.labels = marked(object) }
        if let stored = objects[object.id] {
            object.resourceVersion = stored.resourceVersion
            guard object != stored else { return }
        }
        object.resourceVersion = nextVersion(of: WatchedKind(object.apiVersion, object.id.kind))
        if let owner = object.owner { children[owner.uid, default: []].insert(object.id) }
        objects[object.id] = object
        noteChange(of: object.id)
        report(.changed(object))
        noteEndpoints(of: object)
    }

    /// Removes an object and, as Kubernetes' garbage collector does, everything that belongs to it.
    ///
    /// Pods that belong to it get the time to end that a deletion gives them.
    mutating func remove(_ id: ClusterObject.ID) {
        guard let object = objects.removeValue(forKey: id) else { return }
        if let owner = object.owner { children[owner.uid]?.remove(id) }
        lives[id] = nil
        rollouts[id] = nil
        tasks[id] = nil
        happened[id] = nil
        noteChange(of: id)
        report(.gone(object))
        noteEndpoints(of: object)
        for child in (children.removeValue(forKey: object.uid) ?? []).sorted() { delete(child) }
    }

    /// Deletes an object: a pod ends in its own time.
    mutating func delete(_ id: ClusterObject.ID) {
        guard let object = objects[id] else { return }
        guard id.kind == "Pod" else { return remove(id) }
        if object.deletedAt == nil { delete(object) }
    }

    /// Deletes everything in a namespace.
    mutating func empty(_ namespace: String) {
        for id in objects.keys.sorted() where id.namespace == namespace { delete(id) }
    }

    func owned(by object: ClusterObject, kind: String) -> [ClusterObject] {
        (children[object.uid] ?? []).filter { $0.kind == kind }.sorted().compactMap { objects[$0] }
    }

    /// Creates or changes an object; its generation rises when its specification differs, as the API server does it.
    ///
    /// - Parameter isRenewed: Whether a certificate is issued anew though its specification is what it was.
    mutating func upsert(_ manifest: Manifest, isRenewed: Bool = false) {
        var manifest = manifest
        let id = manifest.id
        if doesAgain { manifest.annotations["slipway.io/done"] = String(now) }
        var spec = manifest.spec
        if id.kind == "Service" { spec = completed(service: spec ?? .empty, id) }
        let isOrder = isRenewed || objects[id].map { $0.spec != spec } ?? true
        if var object = objects[id] {
            // What a Job does cannot be changed any more.
            if id.kind == "Job" { spec = object.spec }
            if object.spec != spec, let generation = object.generation { object.generation = generation + 1 }
            object.spec = spec
            object.labels = manifest.labels
            object.annotations = manifest.annotations
            object.content = manifest.content
            put(object)
        } else {
            let isCounted = ["apps/v1", "batch/v1", "networking.k8s.io/v1"].contains(manifest.apiVersion)
            put(
                ClusterObject(
                    id: id,
                    apiVersion: manifest.apiVersion,
                    uid: random.uuid(),
                    generation: isCounted ? 1 : nil,
                    resourceVersion: "",
                    labels: manifest.labels,
                    annotations: manifest.annotations,
                    createdAt: now,
                    spec: spec,
                    status: firstStatus(id),
                    content: manifest.content
                )
            )
        }
        guard let object = objects[id] else { return }
        switch id.kind {
        case "Deployment", "StatefulSet", "Job": later(timings.observe, .reconcile(id))
        case "Certificate": if isOrder { order(id) }
        default: later(timings.pull + timings.ready, .settle(id, uid: object.uid))
        }
    }

    private func firstStatus(_ id: ClusterObject.ID) -> ObjectValue? {
        switch id.kind {
        case "Service", "Ingress": ["loadBalancer": .empty]
        case "PersistentVolumeClaim": ["phase": "Pending"]
        case "Certificate": CertificateStatus.issuing(now: now)
        case "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod": .empty
        default: nil
        }
    }

    private func completed(service: ObjectValue, _ id: ClusterObject.ID) -> ObjectValue {
        let number = StableHash.of("\(id.namespace)/\(id.name)")
        let address = "10.96.\(number >> 8 & 0xFF).\(number & 0xFF | 1)"
        let defaults: ObjectValue = ["type": "ClusterIP", "clusterIP": .string(address), "sessionAffinity": "None"]
        var service = defaults.merging(service)
        guard ["NodePort", "LoadBalancer"].contains(service["type"]?.string ?? "") else { return service }
        let ports = (service["ports"]?.elements ?? []).enumerated().map { place, port -> ObjectValue in
            let given: ObjectValue = ["nodePort": .int(30_000 + Int64((number &+ UInt64(place)) % 2768))]
            return given.merging(port)
        }
        service["ports"] = .array(ports)
        return service
    }

    /// Gives an object that no controller here plays the status that its own controller would end with.
    mutating func settle(_ id: ClusterObject.ID, uid: String) {
        guard var object = objects[id], object.uid == uid else { return }
        object.status = SettledStatus(object: object, now: now).value ?? object.status
        put(object)
        if id.kind == "Certificate" { issue(object) }
    }
}
