import Domain

/// One object of a release, read and completed with what the API server fills in.
struct Manifest: Sendable {
    let id: ClusterObject.ID
    let apiVersion: String
    var labels: [String: String]
    var annotations: [String: String] = [:]
    var spec: ObjectValue?
    /// What else is told of it: the type of a secret and the names of its keys.
    var content: ObjectValue?

    /// Kinds whose content is not kept: it may be secret, and nobody needs it for health.
    private static let withoutContent: Set<String> = ["Secret", "ConfigMap"]
    private static let workloads: Set<String> = ["Deployment", "StatefulSet", "DaemonSet", "Job"]

    /// Reads a manifest that is marked already, and completes it.
    init(_ manifest: ObjectValue, in namespace: String) throws(ManifestError) {
        guard let kind = manifest["kind"]?.string, let apiVersion = manifest["apiVersion"]?.string,
            let name = manifest.path("metadata", "name")?.string
        else { throw ManifestError(sentence: "An object has no apiVersion, kind or metadata.name.") }
        id = ClusterObject.ID(kind: kind, namespace: namespace, name: name)
        self.apiVersion = apiVersion
        labels = (manifest.path("metadata", "labels") ?? .empty).texts
        annotations = (manifest.path("metadata", "annotations") ?? .empty).texts
            .filter { ClusterObject.isTold(annotation: $0.key) }
        spec = Self.withoutContent.contains(kind) ? nil : manifest["spec"]
        content = Self.content(of: manifest, kind: kind)
        if Self.workloads.contains(kind) { complete() }
        try checkLabels()
    }

    /// Reads a manifest of single objects and marks it as theirs.
    init(_ manifest: ObjectValue, of request: ObjectsRequested) throws(ManifestError) {
        try self.init(manifest, in: request.namespace)
        labels.merge(Self.marks(request)) { _, mark in mark }
        annotations[Label.object] = request.subject.mark
        try checkLabels()
    }

    /// A secret of which only its type and the names of its keys are kept.
    init(secret name: String, type: String, keys: [String], of request: ObjectsRequested) {
        id = ClusterObject.ID(kind: "Secret", namespace: request.namespace, name: name)
        apiVersion = "v1"
        labels = Self.marks(request)
        annotations = [Label.object: request.subject.mark]
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
        [Label.command: request.command, Label.generation: String(request.generation)]
    }

    /// Refuses labels as the API server does.
    private func checkLabels() throws(ManifestError) {
        let templates = (spec?.path("template", "metadata", "labels") ?? .empty).texts
        for (key, value) in labels.merging(templates, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key })
        where !LabelValue.isValid(value) {
            throw ManifestError(
                sentence: "The label '\(key)' of the \(id.kind) '\(id.name)' is '\(value)'; it should be at most 63 "
                    + "letters, digits, '-', '_' and '.', with a letter or digit at both ends."
            )
        }
    }

    private mutating func complete() {
        var spec = spec ?? .empty
        if id.kind == "Deployment" {
            let rolling: ObjectValue = ["maxSurge": "25%", "maxUnavailable": "25%"]
            let defaults: ObjectValue = [
                "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                "strategy": ["type": "RollingUpdate", "rollingUpdate": rolling],
            ]
            spec = defaults.merging(spec)
        }
        var template = spec["template"] ?? .empty
        let restart: ObjectValue = ["restartPolicy": id.kind == "Job" ? "Never" : "Always"]
        template["spec"] = restart.merging(template["spec"] ?? .empty)
        spec["template"] = template
        self.spec = spec
    }
}
