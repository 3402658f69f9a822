import CloudEvents
import Domain

extension ClusterObject {
    /// Reads an object as the API tells it, trimmed to what Slipway shows and decides on.
    ///
    /// What may hold secrets is left out: the values of secrets and config maps, environment variables, arguments.
    ///
    /// - Parameter kind: What was asked for: the objects of a list do not say it themselves.
    init?(_ object: ObjectValue, of kind: WatchedKind) {
        guard let metadata = object["metadata"], let name = metadata["name"]?.string,
            let uid = metadata["uid"]?.string
        else { return nil }
        id = ID(kind: kind.kind, namespace: metadata["namespace"]?.string ?? "", name: name)
        apiVersion = kind.apiVersion
        self.uid = uid
        generation = metadata["generation"]?.int
        resourceVersion = metadata["resourceVersion"]?.string ?? ""
        owned = OwnedFields.digest(of: object)
        labels = (metadata["labels"] ?? .empty).texts
        annotations = (metadata["annotations"] ?? .empty).texts.filter { Self.isTold(annotation: $0.key) }
        owner = (metadata["ownerReferences"]?.elements ?? []).compactMap(Owner.init).first
        createdAt = Self.microseconds(metadata["creationTimestamp"]) ?? 0
        deletedAt = Self.microseconds(metadata["deletionTimestamp"])
        switch kind.kind {
        case "Secret", "ConfigMap":
            (spec, status) = (nil, nil)
            content = Self.content(of: object, kind: kind.kind)
        case "EndpointSlice":
            (spec, status) = (nil, nil)
            content = ["addressType", "endpoints", "ports"].reduce(ObjectValue.empty) { content, name in
                var content = content
                content[name] = object[name]
                return content
            }
        default:
            spec = object["spec"].map { Self.trimmed($0, kind: kind.kind) }
            status = object["status"]
            content = nil
        }
    }

    /// Of a secret only metadata is asked for, so there may be nothing to tell.
    private static func content(of object: ObjectValue, kind: String) -> ObjectValue? {
        let names = ["data", "binaryData"].flatMap { object[$0]?.members ?? [] }.map(\.name)
        guard kind == "ConfigMap" else { return nil }
        return ["keys": .array(Set(names).sorted().map { .string($0) })]
    }

    static func isTold(annotation name: String) -> Bool {
        ["helm.sh/", "slipway.io/", "argocd.argoproj.io/", "deployment.kubernetes.io/"].contains { name.hasPrefix($0) }
    }

    private static func microseconds(_ time: ObjectValue?) -> Int64? {
        time?.string.flatMap { RFC3339.parse($0) }
    }

    private static func trimmed(_ spec: ObjectValue, kind: String) -> ObjectValue {
        if kind == "Pod" { return trimmed(pod: spec) }
        var trimmed = spec
        // The pods of a CronJob stand in the Jobs that it makes.
        if var job = spec["jobTemplate"], let inner = job["spec"] {
            job["spec"] = Self.trimmed(inner, kind: "Job")
            trimmed["jobTemplate"] = job
        }
        guard var template = spec["template"], let pod = template["spec"] else { return trimmed }
        template["spec"] = Self.trimmed(pod: pod)
        trimmed["template"] = template
        return trimmed
    }

    private static func trimmed(pod spec: ObjectValue) -> ObjectValue {
        var trimmed = ObjectValue.empty
        for name in [
            "restartPolicy", "nodeName", "serviceAccountName", "terminationGracePeriodSeconds", "readinessGates",
        ] {
            trimmed[name] = spec[name]
        }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            guard let containers = spec[list] else { continue }
            trimmed[list] = .array(
                containers.elements.map { .object($0.members.filter { toldOfContainers.contains($0.name) }) }
            )
        }
        return trimmed
    }

    /// By its restart policy an init container is one that goes on beside the others.
    private static let toldOfContainers: Set<String> = ["name", "image", "ports", "resources", "restartPolicy"]
}

extension ClusterObject.Owner {
    /// The owner that controls an object; others do not count.
    init?(_ reference: ObjectValue) {
        guard reference["controller"] == true, let apiVersion = reference["apiVersion"]?.string,
            let kind = reference["kind"]?.string, let name = reference["name"]?.string,
            let uid = reference["uid"]?.string
        else { return nil }
        self.init(apiVersion: apiVersion, kind: kind, name: name, uid: uid)
    }
}

extension AppliedObject {
    /// Reads an object after it was applied.
    init?(_ object: ObjectValue) {
        guard let apiVersion = object["apiVersion"]?.string, let kind = object["kind"]?.string,
            let metadata = object["metadata"], let name = metadata["name"]?.string, let uid = metadata["uid"]?.string
        else { return nil }
        self.init(
            apiVersion: apiVersion,
            kind: kind,
            namespace: metadata["namespace"]?.string ?? "",
            name: name,
            uid: uid,
            generation: metadata["generation"]?.int ?? 0,
            resourceVersion: metadata["resourceVersion"]?.string
        )
    }
}

extension KubernetesEvent {
    /// Reads an Event of `v1`.
    ///
    /// - Parameter instance: The instance of the object that it is about.
    init?(_ event: ObjectValue, instance: (ClusterObject.ID) -> String?) {
        guard let metadata = event["metadata"], let uid = metadata["uid"]?.string,
            let namespace = metadata["namespace"]?.string, let object = event["involvedObject"],
            let kind = object["kind"]?.string, let name = object["name"]?.string
        else { return nil }
        let last =
            event["lastTimestamp"]?.string ?? event.path("series", "lastObservedTime")?.string
            ?? event["eventTime"]?.string ?? metadata["creationTimestamp"]?.string ?? ""
        self.init(
            namespace: namespace,
            kind: kind,
            name: name,
            instance: instance(ClusterObject.ID(kind: kind, namespace: namespace, name: name)),
            type: event["type"]?.string ?? "Normal",
            reason: event["reason"]?.string ?? "",
            message: event["message"]?.string ?? "",
            count: Int(event["count"]?.int ?? event.path("series", "count")?.int ?? 1),
            firstTime: event["firstTimestamp"]?.string ?? last,
            lastTime: last,
            uid: uid
        )
    }
}
