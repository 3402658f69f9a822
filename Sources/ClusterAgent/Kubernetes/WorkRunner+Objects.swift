import Domain
import Foundation
import Kubernetes
import Sealing

/// Single objects: networks, domains, certificates, config maps and secrets.
extension WorkRunner {
    func apply(_ request: ObjectsRequested, _ work: ClusterWork, _ secrets: OpenedSecrets) async throws {
        try requireNamespace(request.namespace)
        let before = view.record(of: work.subject)?.objects ?? []
        var record = record(of: work)
        for object in request.objects {
            try record.add(await apply(Self.marked(object, request), in: request.namespace))
        }
        for secret in request.secrets ?? [] {
            try record.add(await apply(Self.manifest(secret, secrets, request), in: request.namespace))
        }
        record.podMark = request.podMark
        let kept = Set(record.objects.map { "\($0.kind)/\($0.name)" })
        let dropped = before.map { ObjectReference(apiVersion: $0.apiVersion, kind: $0.kind, name: $0.name) }
        for reference in (request.removed ?? []) + dropped where !kept.contains("\(reference.kind)/\(reference.name)") {
            try await remove(reference, in: request.namespace)
        }
        try await marks.keep(record)
        try await pods.lookAtAll(in: request.namespace)
    }

    /// A kind that the cluster does not have has no objects to remove.
    private func remove(_ reference: ObjectReference, in namespace: String) async throws(KubernetesError) {
        let kind = try await client.servedKind(reference.kind, reference.apiVersion)
        if let kind { try await client.delete(kind, namespace: namespace, name: reference.name) }
    }

    private static func labels(_ request: ObjectsRequested) -> ObjectValue {
        [
            Label.object: .string("\(request.subject.kind).\(request.subject.name)"),
            Label.command: .string(request.command), Label.generation: .string(String(request.generation)),
        ]
    }

    private static func marked(_ object: ObjectValue, _ request: ObjectsRequested) -> ObjectValue {
        var object = object
        var metadata = object["metadata"] ?? .empty
        metadata["namespace"] = .string(request.namespace)
        metadata["labels"] = (metadata["labels"] ?? .empty).merging(labels(request))
        object["metadata"] = metadata
        return object
    }

    private static func manifest(
        _ secret: SealedSecret,
        _ secrets: OpenedSecrets,
        _ request: ObjectsRequested
    ) -> ObjectValue {
        let data = secret.values.keys.sorted().compactMap { key -> ObjectValue.Member? in
            secrets[.secret(secret.name, key: key)].map { value in
                ObjectValue.Member(key, .string(value.withUnsafeBytes { Data($0).base64EncodedString() }))
            }
        }
        return marked(
            [
                "apiVersion": "v1", "kind": "Secret", "type": .string(secret.type),
                "metadata": ["name": .string(secret.name), "labels": [ObjectLabel.managedBy: "slipway"]],
                "data": .object(data),
            ],
            request
        )
    }
}
