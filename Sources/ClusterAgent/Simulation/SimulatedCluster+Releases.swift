import Domain

extension SimulatedCluster {
    /// Does what the work says, all at once, and reports its end.
    mutating func finish(_ work: ClusterWork) {
        underway.remove(work.mark)
        do throws(WorkFailure) {
            switch work {
            case .namespace(let request): namespaceMarks[request.namespace] = work.mark
            case .release(let request): try apply(request, as: work)
            }
            report(.finished(work, nil))
        } catch {
            report(.finished(work, error))
        }
    }

    private mutating func apply(_ request: ReleaseRequested, as work: ClusterWork) throws(WorkFailure) {
        guard namespaceMarks[request.namespace] != nil else {
            throw WorkFailure(
                code: "namespace_missing",
                message:
                    "The namespace '\(request.namespace)' does not exist in this cluster; create the environment first."
            )
        }
        let wish: SimulationRequest
        let manifests: [Manifest]
        do throws(ManifestError) {
            let values = try ObjectValue(yaml: request.values)
            wish = try SimulationRequest(values: values, otherwise: failure)
            manifests = try Self.manifests(request, values: values, helm: helm)
        } catch {
            throw WorkFailure(code: "render_failed", message: error.sentence)
        }
        guard wish.failure != .applyFails else {
            throw WorkFailure(
                code: "apply_failed",
                message: "The cluster refused the release: admission webhook denied the request."
            )
        }
        if wish.failure == .agentOffline { report(.agentFault(.offline(seconds: wish.seconds))) }
        if wish.failure == .agentRestart { report(.agentFault(.restart)) }
        let before = releases[work.subject]?.objects ?? []
        let after = manifests.map(\.id)
        releases[work.subject] = Release(mark: work.mark, objects: after, failure: wish.failure)
        for manifest in manifests { upsert(manifest) }
        for id in before where !after.contains(id) { remove(id) }
    }

    private static func manifests(
        _ request: ReleaseRequested,
        values: ObjectValue,
        helm: HelmTemplate?
    ) throws(ManifestError) -> [Manifest] {
        var manifests: [Manifest] = []
        for object in try ReleaseManifests(request, values: values, helm: helm).objects {
            manifests.append(try Manifest(object, of: request))
        }
        return manifests
    }

    /// Creates or changes an object; its generation rises when its specification differs, as the API server does it.
    private mutating func upsert(_ manifest: Manifest) {
        let id = manifest.id
        var spec = manifest.spec
        if id.kind == "Service" { spec = completed(service: spec ?? .empty, id) }
        if var object = objects[id] {
            if object.spec != spec, let generation = object.generation { object.generation = generation + 1 }
            object.spec = spec
            object.labels = manifest.labels
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
                    createdAt: now,
                    spec: spec,
                    status: firstStatus(id)
                )
            )
        }
        guard let object = objects[id] else { return }
        if id.kind == "Deployment" {
            later(timings.observe, .reconcile(id))
        } else {
            later(timings.pull + timings.ready, .settle(id, uid: object.uid))
        }
    }

    private func firstStatus(_ id: ClusterObject.ID) -> ObjectValue? {
        switch id.kind {
        case "Service", "Ingress": ["loadBalancer": .empty]
        case "PersistentVolumeClaim": ["phase": "Pending"]
        case "Deployment", "StatefulSet", "DaemonSet", "Job", "Pod": .empty
        default: nil
        }
    }

    private func completed(service: ObjectValue, _ id: ClusterObject.ID) -> ObjectValue {
        let number = StableHash.of("\(id.namespace)/\(id.name)")
        let address = "10.96.\(number >> 8 & 0xFF).\(number & 0xFF | 1)"
        let defaults: ObjectValue = ["type": "ClusterIP", "clusterIP": .string(address), "sessionAffinity": "None"]
        return defaults.merging(service)
    }

    /// Gives an object that no controller here plays the status that its own controller would end with.
    mutating func settle(_ id: ClusterObject.ID, uid: String) {
        guard var object = objects[id], object.uid == uid else { return }
        object.status = SettledStatus(object: object, now: now).value ?? object.status
        put(object)
    }
}

/// The status that an object comes to rest with, for kinds whose way there is not played.
struct SettledStatus {
    let object: ClusterObject
    let now: Int64

    var value: ObjectValue? {
        let replicas = object.spec?["replicas"]?.int ?? 1
        let observed = ObjectValue.int(object.generation ?? 1)
        switch object.id.kind {
        case "StatefulSet":
            let revision = ObjectValue.string("\(object.id.name)-\(object.labels[Label.generation] ?? "1")")
            return [
                "observedGeneration": observed, "replicas": .int(replicas), "readyReplicas": .int(replicas),
                "currentReplicas": .int(replicas), "updatedReplicas": .int(replicas),
                "availableReplicas": .int(replicas), "currentRevision": revision, "updateRevision": revision,
            ]
        case "DaemonSet":
            return [
                "observedGeneration": observed, "currentNumberScheduled": 3, "desiredNumberScheduled": 3,
                "numberAvailable": 3, "numberReady": 3, "updatedNumberScheduled": 3, "numberMisscheduled": 0,
            ]
        case "Job":
            let time = ObjectValue.string(ClusterObject.time(now))
            return [
                "succeeded": 1, "startTime": .string(ClusterObject.time(object.createdAt)), "completionTime": time,
                "conditions": [["type": "Complete", "status": "True", "lastTransitionTime": time]],
            ]
        case "PersistentVolumeClaim": return ["phase": "Bound", "accessModes": ["ReadWriteOnce"]]
        case "Ingress": return ["loadBalancer": ["ingress": [["ip": "192.0.2.10"]]]]
        case "Service" where object.spec?["type"]?.string == "LoadBalancer":
            return ["loadBalancer": ["ingress": [["ip": "192.0.2.20"]]]]
        default: return nil
        }
    }
}
