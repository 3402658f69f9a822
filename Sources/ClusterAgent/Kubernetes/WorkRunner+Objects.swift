import Domain
import Foundation
import Kubernetes
import Logging
import Sealing

/// Single objects: networks, domains, certificates, config maps and secrets.
extension WorkRunner {
    func apply(
        _ request: ObjectsRequested,
        _ work: ClusterWork,
        _ secrets: OpenedSecrets,
        _ isWanted: @escaping @Sendable () -> Bool
    ) async throws {
        try requireNamespace(request.namespace)
        var live: [String: ObjectValue] = [:]
        for reference in Self.references(request) {
            live["\(reference.kind)/\(reference.name)"] = try await requireFree(reference, request)
        }
        let before = view.record(of: work.subject)?.objects ?? []
        var record = record(of: work)
        let announced = view.announcement(of: work.subject)
        let turn = turn(of: work, isWanted)
        do {
            try await prepare(request.podMark, of: work)
            try await apply(request, over: live, secrets, turn, &record)
        } catch {
            // Once its Service is applied, that may find no pods but by the label.
            if request.podMark != nil, record.objects.isEmpty { await unprepare(to: announced, of: work) }
            throw error
        }
        record.podMark = request.podMark
        var seen = Set(record.objects.map { "\($0.kind)/\($0.name)" })
        let dropped = before.map { ObjectReference(apiVersion: $0.apiVersion, kind: $0.kind, name: $0.name) }
        var leaving: [Leaving] = []
        for reference in (request.removed ?? []) + dropped
        where seen.insert("\(reference.kind)/\(reference.name)").inserted {
            if let object = try await remove(reference, request) { leaving.append(object) }
        }
        // Only now: what one of them is held by keeps no other there.
        for object in leaving { try await waitUntilGone(object, request, turn) }
        try await marks.keep(record)
        view.announce(nil, of: work.subject)
        try await pods.lookAtAll(in: request.namespace)
    }

    /// Applies the objects in their order, a network's Service first, and notes each.
    private func apply(
        _ request: ObjectsRequested,
        over live: [String: ObjectValue],
        _ secrets: OpenedSecrets,
        _ turn: HelmTurn,
        _ record: inout MarkRecord
    ) async throws {
        var services: [ObjectValue] = []
        for object in request.objects {
            let answer = try await apply(Self.marked(object, request), in: request.namespace, turn)
            try record.add(answer)
            if answer["kind"] == "Service" { services.append(answer) }
            guard request.isRenewal, answer["kind"] == "Certificate" else { continue }
            let name = answer.path("metadata", "name")?.string ?? ""
            try await renew(answer, before: live["Certificate/\(name)"], in: request.namespace)
        }
        for secret in request.secrets ?? [] {
            let manifest = Self.manifest(secret, secrets, request)
            try record.add(await apply(manifest, in: request.namespace, turn))
        }
        // Behind the hosts that it leads to instead, so that it always leads somewhere.
        for service in services { try await dropPods(behind: service, in: request.namespace) }
    }

    /// Puts a network's label on the pods before its Service asks for it, or it would lead nowhere for a moment.
    private func prepare(_ mark: PodMark?, of work: ClusterWork) async throws(KubernetesError) {
        guard let mark else { return }
        view.announce(mark, of: work.subject)
        try await pods.lookAtAll(in: work.subject.namespace)
    }

    /// Takes that label away again where the Service is as it was: it must not lead to instances that are new to it.
    private func unprepare(to announced: PodMark?, of work: ClusterWork) async {
        view.announce(announced, of: work.subject)
        try? await pods.lookAtAll(in: work.subject.namespace)
    }

    /// What a command is going to apply.
    private static func references(_ request: ObjectsRequested) -> [ObjectReference] {
        let objects = request.objects.compactMap { object -> ObjectReference? in
            guard let apiVersion = object["apiVersion"]?.string, let kind = object["kind"]?.string,
                let name = object.path("metadata", "name")?.string
            else { return nil }
            return ObjectReference(apiVersion: apiVersion, kind: kind, name: name)
        }
        let secrets = (request.secrets ?? []).map { ObjectReference(apiVersion: "v1", kind: "Secret", name: $0.name) }
        return objects + secrets
    }

    /// What is another's is not taken over; what is nobody's, such as an object that was made by hand, is.
    ///
    /// - Returns: The metadata of what is there; `nil` where nothing is.
    private func requireFree(_ reference: ObjectReference, _ request: ObjectsRequested) async throws -> ObjectValue? {
        guard let kind = try await client.servedKind(reference.kind, reference.apiVersion),
            let metadata = try await readMetadata(kind, request.namespace, reference.name)
        else { return nil }
        if let owner = LiveOwner(metadata: metadata), !request.subject.mayChange(owner) {
            throw WorkFailure.taken(reference.kind, reference.name, by: owner, wantedFor: request.subject)
        }
        return metadata
    }

    /// An object that was deleted, and may still be there.
    private struct Leaving {
        let kind: KubernetesKind
        let name: String
        let uid: String?
    }

    /// Deletes an object, which a finalizer may hold then; returns what to wait for, where there was one to delete.
    ///
    /// A kind that the cluster does not have has no objects to remove, and what is another's stays.
    private func remove(_ reference: ObjectReference, _ request: ObjectsRequested) async throws -> Leaving? {
        let (namespace, name) = (request.namespace, reference.name)
        guard let kind = try await client.servedKind(reference.kind, reference.apiVersion),
            let metadata = try await readMetadata(kind, namespace, name)
        else { return nil }
        guard request.subject.mayChange(LiveOwner(metadata: metadata)) else {
            logger.notice("leaves the \(reference.kind) '\(name)', which is another's")
            return nil
        }
        try await client.delete(kind, namespace: namespace, name: name)
        return Leaving(kind: kind, name: name, uid: metadata["uid"]?.string)
    }

    private func waitUntilGone(_ object: Leaving, _ request: ObjectsRequested, _ turn: HelmTurn) async throws {
        guard try await waitUntilGone(object.kind, request.namespace, object.name, uid: object.uid, turn) else {
            throw WorkFailure(
                code: "objects_terminating",
                message: "The \(object.kind.kind) '\(object.name)' is still going away; what holds it, such as a "
                    + "finalizer, has to let go of it first."
            )
        }
    }

    /// An object's metadata, never its content, which may be secret; `nil` where there is no such object.
    func readMetadata(_ kind: KubernetesKind, _ namespace: String, _ name: String) async throws -> ObjectValue? {
        do {
            let answer = try await client.get(kind, namespace: namespace, name: name, detail: .metadata)
            return try ObjectValue(answer: answer)["metadata"]
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    private static func marked(_ object: ObjectValue, _ request: ObjectsRequested) -> ObjectValue {
        let labels: ObjectValue = [
            Label.command: .string(request.command), Label.generation: .string(String(request.generation)),
        ]
        var object = object
        var metadata = object["metadata"] ?? .empty
        metadata["namespace"] = .string(request.namespace)
        metadata["labels"] = (metadata["labels"] ?? .empty).merging(labels)
        let mark: ObjectValue = [Label.object: .string(request.subject.mark)]
        metadata["annotations"] = (metadata["annotations"] ?? .empty).merging(mark)
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
