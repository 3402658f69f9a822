import Domain

/// What a release's objects are to carry, and how many pods they are to have.
struct ReleaseMarking: Codable, Sendable {
    let release: ReleaseIdentity
    /// The command whose marks the pods carry: pods that are only scaled keep theirs.
    let template: CommandMark
    private var replicas: [String: Int] = [:]
    private var isStopped = false
    private var restart: String?
    private var pullSecrets: [String] = []
    /// The secrets with which Jobs pull that are there already, by their names.
    private var jobs: [String: [String]] = [:]

    /// What a command asks for.
    init(_ request: ReleaseRequested, template: CommandMark, jobs: [String: [String]] = [:]) {
        self.jobs = jobs
        (release, self.template) = (ReleaseIdentity(request), template)
        (replicas, isStopped, restart) = (request.replicas ?? [:], request.stopped == true, request.restart)
        pullSecrets = (request.registrySecrets ?? []).map(\.name)
    }

    /// The marks alone.
    init(_ release: ReleaseIdentity) {
        (self.release, template) = (release, release.mark)
    }

    /// Marks a rendered object, the templates of its pods too.
    func applied(to manifest: ObjectValue) throws(ManifestError) -> ObjectValue {
        guard let kind = manifest["kind"]?.string, manifest["apiVersion"]?.string != nil,
            let name = manifest.path("metadata", "name")?.string
        else { throw ManifestError(sentence: "A rendered object has no apiVersion, kind or metadata.name.") }
        var object = manifest
        object["metadata"] = labelled(manifest["metadata"] ?? .empty, with: release.labels(of: release.mark))
        guard var spec = manifest["spec"] else { return object }
        switch kind {
        case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
            if kind == "Deployment" || kind == "StatefulSet" {
                if let count = replicas["\(kind)/\(name)"] { spec["replicas"] = .int(Int64(count)) }
                if isStopped { spec["replicas"] = 0 }
            }
            spec["template"] = adapted(spec["template"], release.labels(of: template), isRolled: true)
        // Of another group, such as Volcano's, it may have no such template, and takes none.
        case "Job" where spec["template"] == nil, "CronJob" where spec.path("jobTemplate", "spec", "template") == nil:
            return object
        case "Job":
            // The template of a Job that stays cannot be changed, so it carries nothing that changes.
            let marks = manifest.isHook ? release.labels(of: release.mark) : release.labels
            var template = adapted(spec["template"], marks, isRolled: false)
            if !manifest.isHook, let present = jobs[name] {
                var pod = template["spec"] ?? .empty
                let named = present.map { name -> ObjectValue in ["name": .string(name)] }
                pod["imagePullSecrets"] = named.isEmpty ? nil : ObjectValue.array(named)
                template["spec"] = pod
            }
            spec["template"] = template
        case "CronJob":
            var job = spec["jobTemplate"] ?? .empty
            var inner = job["spec"] ?? .empty
            inner["template"] = adapted(inner["template"], release.labels, isRolled: false)
            job["spec"] = inner
            spec["jobTemplate"] = job
        default: return object
        }
        object["spec"] = spec
        return object
    }

    /// Labels that a chart has set itself stay where its selectors may need them.
    private func labelled(_ metadata: ObjectValue, with marks: [String: String]) -> ObjectValue {
        var metadata = metadata
        var labels = (metadata["labels"] ?? .empty)
        for (name, value) in marks.sorted(by: { $0.key < $1.key }) { labels[name] = .string(value) }
        if labels[Label.helmInstance] == nil { labels[Label.helmInstance] = .string(release.instance) }
        metadata["labels"] = labels
        return metadata
    }

    private func adapted(_ template: ObjectValue?, _ marks: [String: String], isRolled: Bool) -> ObjectValue {
        var template = template ?? .empty
        var metadata = labelled(template["metadata"] ?? .empty, with: marks)
        if isRolled, let restart {
            metadata["annotations"] = (metadata["annotations"] ?? .empty).merging([Label.restart: .string(restart)])
        }
        template["metadata"] = metadata
        if !pullSecrets.isEmpty {
            var pod = template["spec"] ?? .empty
            let present = pod["imagePullSecrets"]?.elements ?? []
            let named = pullSecrets.map { name -> ObjectValue in ["name": .string(name)] }
            pod["imagePullSecrets"] = .array(present + named.filter { !present.contains($0) })
            template["spec"] = pod
        }
        return template
    }
}

extension ObjectValue {
    /// The members that are texts, such as labels.
    var texts: [String: String] {
        var texts: [String: String] = [:]
        for member in members { texts[member.name] = member.value.string }
        return texts
    }

    /// Whether helm runs the object as a hook, which is no part of what stays.
    var isHook: Bool { path("metadata", "annotations", "helm.sh/hook") != nil }
}
