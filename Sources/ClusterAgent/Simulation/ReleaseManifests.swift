import Domain

/// The objects that a release consists of, as the API server is given them.
struct ReleaseManifests: Sendable {
    var objects: [ObjectValue]

    /// Renders the chart that the command names where helm is at hand, else writes a plain Deployment and Service.
    init(_ request: ReleaseRequested, values: ObjectValue, helm: HelmTemplate?) throws(ManifestError) {
        if let helm, let chart = request.chart {
            objects = try helm.render(chart, of: request)
        } else {
            objects = Self.plain(request, values: values)
        }
    }

    /// Image and values, as the simplest of charts would use them: `replicaCount`, `service.port`, `service.type`,
    /// `progressDeadlineSeconds`.
    private static func plain(_ request: ReleaseRequested, values: ObjectValue) -> [ObjectValue] {
        let port = values.path("service", "port")?.int ?? 80
        let image = request.image ?? "\(request.application):\(request.version)"
        let selector: ObjectValue = [Label.helmInstance: .string(request.instance)]
        let container: ObjectValue = [
            "name": .string(request.application), "image": .string(image), "ports": [["containerPort": .int(port)]],
        ]
        var labels = selector
        labels["app.kubernetes.io/name"] = .string(request.application)
        labels["app.kubernetes.io/version"] = .string(request.version)
        let metadata: ObjectValue = ["name": .string(request.instance), "labels": labels]
        var spec: ObjectValue = [
            "replicas": .int(max(0, values["replicaCount"]?.int ?? 1)), "selector": ["matchLabels": selector],
            "template": ["metadata": ["labels": labels], "spec": ["containers": [container]]],
        ]
        spec["progressDeadlineSeconds"] = values["progressDeadlineSeconds"]
        let service: ObjectValue = [
            "type": values.path("service", "type") ?? "ClusterIP", "selector": selector,
            "ports": [["name": "http", "port": .int(port), "targetPort": .int(port), "protocol": "TCP"]],
        ]
        return [
            ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec],
            ["apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service],
        ]
    }
}

/// One object of a release, read and completed with what the API server fills in.
struct Manifest: Sendable {
    let id: ClusterObject.ID
    let apiVersion: String
    var labels: [String: String]
    var spec: ObjectValue?

    /// Kinds whose content is not kept: it may be secret, and nobody needs it for health.
    private static let withoutContent: Set<String> = ["Secret", "ConfigMap"]
    private static let workloads: Set<String> = ["Deployment", "StatefulSet", "DaemonSet", "Job"]

    /// Reads a manifest and marks it as the release's, in the pod template too, so that pods carry their generation.
    init(_ manifest: ObjectValue, of request: ReleaseRequested) throws(ManifestError) {
        guard let kind = manifest["kind"]?.string, let apiVersion = manifest["apiVersion"]?.string,
            let name = manifest.path("metadata", "name")?.string
        else { throw ManifestError(sentence: "A rendered object has no apiVersion, kind or metadata.name.") }
        let marks = [
            Label.instance: request.instance, Label.helmInstance: request.instance, Label.command: request.command,
            Label.generation: String(request.generation),
        ]
        id = ClusterObject.ID(kind: kind, namespace: request.namespace, name: name)
        self.apiVersion = apiVersion
        labels = Self.texts(manifest.path("metadata", "labels")).merging(marks) { _, mark in mark }
        spec = Self.withoutContent.contains(kind) ? nil : manifest["spec"] ?? .empty
        if Self.workloads.contains(kind) { complete(with: marks) }
    }

    /// Whether helm runs it as a hook, which is no part of what stays.
    static func isHook(_ manifest: ObjectValue) -> Bool {
        manifest.path("metadata", "annotations", "helm.sh/hook") != nil
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

    static func texts(_ value: ObjectValue?) -> [String: String] {
        var texts: [String: String] = [:]
        for member in value?.members ?? [] { texts[member.name] = member.value.string }
        return texts
    }
}
