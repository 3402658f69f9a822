import Domain

/// What a release is that brings an image and no chart: a Deployment or StatefulSet, and a Service.
enum PlainRelease {
    /// The image to run where no chart says it; none is made up, which would be somebody else's.
    static func image(of request: ReleaseRequested) throws(WorkFailure) -> String {
        guard let image = request.image, !image.isEmpty else {
            throw WorkFailure(
                code: "nothing_to_run",
                message: "Neither an image nor a chart of '\(request.application)' \(request.version) is known."
            )
        }
        return image
    }

    /// Image and values, as the simplest of charts would use them: `replicaCount`, `service.port`, `service.type`,
    /// `progressDeadlineSeconds`, `initContainers`, and `statefulSet: true` for a StatefulSet.
    static func objects(_ request: ReleaseRequested, image: String, values: ObjectValue) -> [ObjectValue] {
        let port = values.path("service", "port")?.int ?? 80
        let selector: ObjectValue = [Label.helmInstance: .string(request.instance)]
        let container: ObjectValue = [
            "name": .string(request.application), "image": .string(image), "ports": [["containerPort": .int(port)]],
        ]
        var labels = selector
        labels["app.kubernetes.io/name"] = .string(request.application)
        labels["app.kubernetes.io/version"] = LabelValue.nearest(to: request.version).map { .string($0) }
        let metadata: ObjectValue = ["name": .string(request.instance), "labels": labels]
        let serviceName = ObjectValue.string(nameOfService(for: request.instance))
        var pod: ObjectValue = ["containers": [container]]
        pod["initContainers"] = values["initContainers"]
        var spec: ObjectValue = [
            "replicas": .int(max(0, values["replicaCount"]?.int ?? 1)), "selector": ["matchLabels": selector],
            "template": ["metadata": ["labels": labels], "spec": pod],
        ]
        let isStateful = values["statefulSet"] == true
        if isStateful {
            spec["serviceName"] = serviceName
        } else {
            spec["progressDeadlineSeconds"] = values["progressDeadlineSeconds"]
        }
        let kind: ObjectValue = isStateful ? "StatefulSet" : "Deployment"
        let service: ObjectValue = [
            "type": values.path("service", "type") ?? "ClusterIP", "selector": selector,
            "ports": [["name": "http", "port": .int(port), "targetPort": .int(port), "protocol": "TCP"]],
        ]
        return [
            ["apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec],
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": serviceName, "labels": labels],
                "spec": service,
            ],
        ]
    }

    /// A Service is named as the instance, with `svc-` before a digit: the names of Services begin with a letter.
    private static func nameOfService(for instance: String) -> String {
        let beginsWithDigit = instance.utf8.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return beginsWithDigit == true ? "svc-\(instance)" : instance
    }
}
