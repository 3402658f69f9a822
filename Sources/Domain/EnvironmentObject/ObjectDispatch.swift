internal import CloudEvents
import Foundation
import Postgres
import Sealing
import WorkerRuntime

/// Writes what an agent is told of an object: from its row, each time anew, so that no other place holds what is
/// confidential.
struct ObjectDispatch {
    let keyRing: KeyRing?
    /// Room that a message must leave below what brokers take.
    static let largestMessage = 900_000

    /// Where the object is.
    struct Place: Sendable, Hashable {
        let project: String
        let environment: String
        let namespace: String

        init(_ environment: EnvironmentRow) {
            project = environment.project
            self.environment = environment.name
            namespace = environment.namespace
        }

        /// Where a command acts.
        static func of(_ command: Command, in transaction: borrowing PostgresTransaction) throws -> Place {
            let row = try transaction.query(
                "select \(EnvironmentRow.columns) from environment where id = $1",
                [.optionalInt64(command.environmentID)]
            )
            return Place(try EnvironmentRow(row.only()))
        }
    }

    /// What an object is to be.
    struct Wanted {
        let concept: ObjectConcept
        let name: String
        let content: ObjectContent
        /// What may be in the cluster: what the content does not name is removed.
        let placed: [ObjectReference]
        let isRemoval: Bool
        /// Whether it is a certificate that is ordered where one is already, which alone would change nothing.
        let isOrderedAnew: Bool

        init(
            _ concept: ObjectConcept,
            _ name: String,
            _ content: ObjectContent,
            placed: [ObjectReference],
            isRemoval: Bool,
            isOrderedAnew: Bool = false
        ) {
            self.concept = concept
            self.name = name
            self.content = content
            self.placed = placed
            self.isRemoval = isRemoval
            self.isOrderedAnew = isOrderedAnew
        }

        /// What the row of an object with an open command says.
        init(_ object: EnvironmentObject) {
            self.init(
                object.concept,
                object.name,
                ObjectContent(kept: object),
                placed: object.placed,
                isRemoval: object.state == ObjectState.deleting.rawValue,
                isOrderedAnew: object.isOrderedAnew
            )
        }

        /// What the newest success left, where the row says what a later command wanted in vain.
        init?(running object: EnvironmentObject) {
            guard let running = object.running else { return nil }
            var content = ObjectContent(kept: object)
            content.spec = running.spec
            content.confidential = running.confidential
            self.init(object.concept, object.name, content, placed: object.placed, isRemoval: false)
        }
    }

    /// The message of a command on an object.
    ///
    /// - Parameter isRepair: Whether the agent is to do again what it has done, because somebody else has changed it.
    /// - Throws: A reason where something confidential cannot be decrypted, or the message is too large.
    func message(
        of command: Command,
        _ object: Wanted,
        at place: Place,
        isRepair: Bool = false,
        post: AgentPost,
        now: Int64
    ) throws -> OutboxRecord {
        let head = ObjectHead(
            concept: object.concept,
            namespace: place.namespace,
            name: object.name,
            mark: .init(command: command.id.uuidString.lowercased(), generation: command.generation)
        )
        var request = ObjectsRequested(
            command: command.id.uuidString.lowercased(),
            generation: command.generation,
            namespace: place.namespace,
            subject: ObjectSubject(kind: object.concept.rawValue, name: object.name),
            objects: [],
            deadline: RFC3339.format(microseconds: command.deadline)
        )
        if isRepair { request.repair = true }
        if object.isRemoval {
            request.removed = object.placed
        } else {
            let shape = try ObjectShape(head, spec: object.content.spec, keys: object.content.confidential.names)
            request.objects = try shape.manifests.map {
                try JSONDecoder().decode(ObjectValue.self, from: Data($0.json))
            }
            if object.isOrderedAnew, !isRepair, !request.objects.isEmpty { request.renew = true }
            request.secrets = try shape.secret.map { [try sealed($0, object, at: place, post)] }
            let left = object.placed.filter { !shape.references.contains($0) }
            request.removed = left.isEmpty ? nil : left
            request.podMark = shape.podMark.map { PodMark(label: $0.label, instances: $0.instances) }
        }
        let record = post.objectsRequested(command, request, now: now)
        guard (record.value?.count ?? 0) <= Self.largestMessage else {
            throw Reason(
                code: "too_large",
                sentence: "The \(object.concept.words) '\(object.name)' would make a message of "
                    + "\(record.value?.count ?? 0) bytes for its agent; at most \(Self.largestMessage) are possible.",
                field: object.concept.field
            )
        }
        return record
    }

    /// Decrypts each value and seals it for the cluster.
    private func sealed(
        _ secret: ObjectShape.Secret,
        _ object: Wanted,
        at place: Place,
        _ post: AgentPost
    ) throws -> SealedSecret {
        let vault = ObjectVault(sealing: nil, keyRing: keyRing)
        let origin = ConfidentialPlace(
            project: place.project,
            environment: place.environment,
            concept: object.concept,
            name: object.name
        )
        let key = try post.fleetKey.sealingPublicKey(cluster: post.cluster, keyID: post.keyID)
        var values: [String: String] = [:]
        for (name, value) in secret.values {
            let bytes: SecretBytes
            switch value {
            case .text(let text): bytes = SecretBytes(utf8: text)
            case .confidential(let stored):
                guard let ciphertext = object.content.confidential[stored] else { continue }
                bytes = try vault.decrypt(ciphertext, of: origin, stored)
            }
            let binding = Binding(post.cluster, place.namespace, "secret", secret.name, name)
            values[name] = try key.seal(bytes, for: binding).text
        }
        return SealedSecret(name: secret.name, type: secret.type, values: values)
    }
}
