import CloudEvents
import Domain

extension ClusterObject {
    /// The object as Kubernetes writes it, trimmed.
    ///
    /// Environment variables of containers are left out: they often hold secrets, and health needs none of them.
    ///
    /// NULs are replaced, which neither JSON's readers nor PostgreSQL take: containers may end with such words. Of an
    /// object that is longer than a message may be only the metadata is told.
    public var json: [UInt8] {
        let whole = Self.storable(value)
        guard whole.count > Self.mostBytes else { return whole }
        var short = self
        (short.spec, short.status, short.content, short.annotations) = (nil, nil, nil, [:])
        return Self.storable(short.value)
    }

    /// Kafka's brokers take messages of a megabyte.
    static let mostBytes = 800_000

    private static func storable(_ value: ObjectValue) -> [UInt8] {
        let json = value.json
        return json.withUnsafeBytes(StorableJSON.hasForbiddenEscape) ? value.withoutNUL.json : json
    }

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
        if let inner = spec.path("jobTemplate", "spec"), var job = spec["jobTemplate"] {
            job["spec"] = withoutEnvironment(inner)
            trimmed["jobTemplate"] = job
        }
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

extension ObjectValue {
    /// The value with the replacement character for each NUL in its texts.
    fileprivate var withoutNUL: ObjectValue {
        switch self {
        case .string(let text): .string(text.withoutNUL)
        case .array(let elements): .array(elements.map(\.withoutNUL))
        case .object(let members): .object(members.map { Member($0.name, $0.value.withoutNUL) })
        default: self
        }
    }
}
