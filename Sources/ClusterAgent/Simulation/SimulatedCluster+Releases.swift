import Domain

extension SimulatedCluster {
    /// Does what the work says, all at once, and reports its end.
    mutating func finish(_ work: ClusterWork) {
        let secrets = underway.removeValue(forKey: work.mark) ?? OpenedSecrets()
        do throws(WorkFailure) {
            switch work {
            case .namespace(let request): namespaceNames.insert(request.namespace)
            case .namespaceRemoval(let request): clear(request.namespace)
            case .release(let request): try apply(request, as: work, secrets)
            case .removal: replace([], of: work.subject)
            case .objects(let request): try apply(request, secrets)
            case .log(let request): try tell(request)
            }
            note(work)
            report(.finished(work, nil))
        } catch {
            report(.finished(work, error))
        }
    }

    /// Remembers which command made the subject what it is; a log leaves nothing behind.
    private mutating func note(_ work: ClusterWork) {
        if case .log = work { return }
        marks[work.subject] = work.mark
        if case .namespaceRemoval = work {
            marks = marks.filter { $0.key.namespace != work.subject.namespace || $0.key == work.subject }
        }
    }

    func requireNamespace(_ name: String) throws(WorkFailure) {
        guard namespaceNames.contains(name) else {
            throw WorkFailure(
                code: "namespace_missing",
                message: "The namespace '\(name)' does not exist in this cluster; create the environment first."
            )
        }
    }

    /// Removes what a subject had and does not have any more.
    mutating func replace(_ after: [ClusterObject.ID], of subject: CommandSubject) {
        let before = releases[subject]?.objects ?? []
        if after.isEmpty { releases[subject] = nil }
        for id in before where !after.contains(id) { remove(id) }
    }

    private mutating func apply(
        _ request: ReleaseRequested,
        as work: ClusterWork,
        _ secrets: OpenedSecrets
    ) throws(WorkFailure) {
        try requireNamespace(request.namespace)
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
        let registries = Self.registrySecrets(request, secrets)
        let after = manifests.map(\.id)
        replace(after + registries.map(\.id), of: work.subject)
        releases[work.subject] = Release(objects: after, failure: wish.failure)
        for manifest in registries + manifests { upsert(manifest) }
    }

    /// The secrets with which its images are pulled; one that did not open was refused before.
    private static func registrySecrets(_ request: ReleaseRequested, _ secrets: OpenedSecrets) -> [Manifest] {
        (request.registrySecrets ?? []).filter { secrets[.registry($0.name)] != nil }
            .map { Manifest(registry: $0.name, of: request) }
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
    mutating func upsert(_ manifest: Manifest) {
        let id = manifest.id
        var spec = manifest.spec
        if id.kind == "Service" { spec = completed(service: spec ?? .empty, id) }
        if var object = objects[id] {
            if object.spec != spec, let generation = object.generation { object.generation = generation + 1 }
            object.spec = spec
            object.labels = manifest.labels
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
                    createdAt: now,
                    spec: spec,
                    status: firstStatus(id),
                    content: manifest.content
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
        if id.kind == "Certificate" { issue(object) }
    }
}
