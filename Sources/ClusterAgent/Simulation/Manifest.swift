import Domain

/// One object of a release, read and completed with what the API server fills in.
struct Manifest: Sendable {
    let id: ClusterObject.ID
    let apiVersion: String
    var labels: [String: String]
    var spec: ObjectValue?
    /// What else is told of it: the type of a secret and the names of its keys.
    var content: ObjectValue?

    /// Kinds whose content is not kept: it may be secret, and nobody needs it for health.
    private static let withoutContent: Set<String> = ["Secret", "ConfigMap"]
    private static let workloads: Set<String> = ["Deployment", "StatefulSet", "DaemonSet", "Job"]

    /// Reads a manifest and marks it as a release's, in the pod template too, so that pods carry their generation.
    ///
    /// - Parameter template: The command whose marks the pods carry, where it is not the release's: pods that are only
    ///   scaled are not rolled.
    init(_ manifest: ObjectValue, of release: ReleaseIdentity, template: CommandMark? = nil) throws(ManifestError) {
        guard let kind = manifest["kind"]?.string, let apiVersion = manifest["apiVersion"]?.string,
            let name = manifest.path("metadata", "name")?.string
        else { throw ManifestError(sentence: "A rendered object has no apiVersion, kind or metadata.name.") }
        let marks = release.labels(of: release.mark)
        id = ClusterObject.ID(kind: kind, namespace: release.namespace, name: name)
        self.apiVersion = apiVersion
        labels = Self.texts(manifest.path("metadata", "labels")).merging(marks) { _, mark in mark }
        spec = Self.withoutContent.contains(kind) ? nil : manifest["spec"] ?? .empty
        content = Self.content(of: manifest, kind: kind)
        if Self.workloads.contains(kind) { complete(with: release.labels(of: template ?? release.mark)) }
    }

    /// Reads a manifest of single objects and marks it as theirs.
    init(_ manifest: ObjectValue, of request: ObjectsRequested) throws(ManifestError) {
        guard let kind = manifest["kind"]?.string, let apiVersion = manifest["apiVersion"]?.string,
            let name = manifest.path("metadata", "name")?.string
        else { throw ManifestError(sentence: "An object has no apiVersion, kind or metadata.name.") }
        id = ClusterObject.ID(kind: kind, namespace: request.namespace, name: name)
        self.apiVersion = apiVersion
        labels = Self.texts(manifest.path("metadata", "labels")).merging(Self.marks(request)) { _, mark in mark }
        spec = Self.withoutContent.contains(kind) ? nil : manifest["spec"]
        content = Self.content(of: manifest, kind: kind)
    }

    /// A secret of which only its type and the names of its keys are kept.
    init(secret name: String, type: String, keys: [String], of request: ObjectsRequested) {
        id = ClusterObject.ID(kind: "Secret", namespace: request.namespace, name: name)
        apiVersion = "v1"
        labels = Self.marks(request)
        content = Self.content(ofSecret: type, keys: keys)
    }

    /// The secret with which a release's images are pulled.
    init(registry name: String, of request: ReleaseRequested) {
        id = ClusterObject.ID(kind: "Secret", namespace: request.namespace, name: name)
        apiVersion = "v1"
        labels = [Label.command: request.command, Label.generation: String(request.generation)]
        content = Self.content(ofSecret: "kubernetes.io/dockerconfigjson", keys: [".dockerconfigjson"])
    }

    /// What is told of kinds whose content is nobody's business: the names of their keys, and a secret's type.
    private static func content(of manifest: ObjectValue, kind: String) -> ObjectValue? {
        let names = ["data", "stringData", "binaryData"].flatMap { manifest[$0]?.members ?? [] }.map(\.name)
        let keys = Set(names).sorted()
        switch kind {
        case "Secret": return content(ofSecret: manifest["type"]?.string ?? "Opaque", keys: keys)
        case "ConfigMap": return ["keys": .array(keys.map { .string($0) })]
        default: return nil
        }
    }

    /// What is told of a secret.
    static func content(ofSecret type: String, keys: [String]) -> ObjectValue {
        ["type": .string(type), "keys": .array(keys.map { .string($0) })]
    }

    private static func marks(_ request: ObjectsRequested) -> [String: String] {
        [
            Label.object: "\(request.subject.kind).\(request.subject.name)", Label.command: request.command,
            Label.generation: String(request.generation),
        ]
    }

    private mutating func complete(with marks: [String: String]) {
        guard var spec else { return }
        if id.kind == "Deployment" {
            let rolling: ObjectValue = ["maxSurge": "25%", "maxUnavailable": "25%"]
            let defaults: ObjectValue = [
                "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                "strategy": ["type": "RollingUpdate", "rollingUpdate": rolling],
            ]
            spec = defaults.merging(spec)
        }
        var template = spec["template"] ?? .empty
        var metadata = template["metadata"] ?? .empty
        let labels = Self.texts(metadata["labels"]).merging(marks) { _, mark in mark }
        metadata["labels"] = .object(labels.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
        template["metadata"] = metadata
        let restart: ObjectValue = ["restartPolicy": id.kind == "Job" ? "Never" : "Always"]
        template["spec"] = restart.merging(template["spec"] ?? .empty)
        spec["template"] = template
        self.spec = spec
    }

    /// The replicas that the command asks for, and what it wants on every pod.
    mutating func adapt(to request: ReleaseRequested) {
        guard Self.workloads.contains(id.kind) else { return }
        if ["Deployment", "StatefulSet"].contains(id.kind) {
            if let count = request.replicas?["\(id.kind)/\(id.name)"] { spec?["replicas"] = .int(Int64(count)) }
            if request.stopped == true { spec?["replicas"] = 0 }
        }
        guard var template = spec?["template"] else { return }
        if let restart = request.restart, id.kind != "Job" {
            var metadata = template["metadata"] ?? .empty
            metadata["annotations"] = (metadata["annotations"] ?? .empty).merging([Label.restart: .string(restart)])
            template["metadata"] = metadata
        }
        if let secrets = request.registrySecrets, !secrets.isEmpty {
            var pod = template["spec"] ?? .empty
            let named = secrets.map { secret -> ObjectValue in ["name": .string(secret.name)] }
            pod["imagePullSecrets"] = .array((pod["imagePullSecrets"]?.elements ?? []) + named)
            template["spec"] = pod
        }
        spec?["template"] = template
    }

    static func texts(_ value: ObjectValue?) -> [String: String] {
        var texts: [String: String] = [:]
        for member in value?.members ?? [] { texts[member.name] = member.value.string }
        return texts
    }
}

/// Whose a release's objects are.
struct ReleaseIdentity: Sendable, Hashable {
    var namespace: String
    var instance: String
    var application: String
    var mark: CommandMark

    func labels(of mark: CommandMark) -> [String: String] {
        [
            Label.instance: instance, Label.helmInstance: instance, Label.application: application,
            Label.command: mark.command, Label.generation: String(mark.generation),
        ]
    }
}
