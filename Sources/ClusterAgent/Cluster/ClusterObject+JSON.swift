import CloudEvents
import Domain

extension ClusterObject {
    /// The object as Kubernetes writes it, trimmed.
    ///
    /// Environment variables of containers are left out: they often hold secrets, and health needs none of them.
    public var json: [UInt8] { value.json }

    /// What is left to say of an object that was deleted.
    public var goneJSON: [UInt8] {
        let metadata: ObjectValue = ["name": .string(id.name), "namespace": .string(id.namespace), "uid": .string(uid)]
        let gone: ObjectValue = ["apiVersion": .string(apiVersion), "kind": .string(id.kind), "metadata": metadata]
        return gone.json
    }

    var value: ObjectValue {
        var object: ObjectValue = ["apiVersion": .string(apiVersion), "kind": .string(id.kind), "metadata": metadata]
        object["spec"] = spec.map(Self.withoutEnvironment)
        object["status"] = status
        return content.map { object.merging($0) } ?? object
    }

    private var metadata: ObjectValue {
        var metadata: ObjectValue = [
            "name": .string(id.name), "namespace": .string(id.namespace), "uid": .string(uid),
            "resourceVersion": .string(resourceVersion),
        ]
        metadata["generation"] = generation.map { .int($0) }
        metadata["creationTimestamp"] = .string(Self.time(createdAt))
        metadata["deletionTimestamp"] = deletedAt.map { .string(Self.time($0)) }
        if !labels.isEmpty {
            metadata["labels"] = .object(labels.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
        }
        if !annotations.isEmpty {
            let sorted = annotations.sorted { $0.key < $1.key }
            metadata["annotations"] = .object(sorted.map { .init($0.key, .string($0.value)) })
        }
        if let owner {
            metadata["ownerReferences"] = [
                [
                    "apiVersion": .string(owner.apiVersion), "kind": .string(owner.kind), "name": .string(owner.name),
                    "uid": .string(owner.uid), "controller": true, "blockOwnerDeletion": true,
                ]
            ]
        }
        return metadata
    }

    /// Kubernetes writes the times of objects in whole seconds.
    static func time(_ microseconds: Int64) -> String {
        RFC3339.format(microseconds: microseconds).prefix(19) + "Z"
    }

    private static func withoutEnvironment(_ spec: ObjectValue) -> ObjectValue {
        var trimmed = spec
        if let pod = spec.path("template", "spec"), var template = spec["template"] {
            template["spec"] = withoutEnvironment(pod)
            trimmed["template"] = template
        }
        for list in ["initContainers", "containers"] {
            guard let containers = spec[list] else { continue }
            trimmed[list] = .array(
                containers.elements.map { container in
                    var container = container
                    container["env"] = nil
                    container["envFrom"] = nil
                    return container
                }
            )
        }
        return trimmed
    }
}
