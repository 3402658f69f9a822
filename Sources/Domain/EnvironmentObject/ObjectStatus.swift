internal import CloudEvents
import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// The state of an environment's object as it is published; of what is confidential, only names.
struct ObjectStatus: Sendable {
    static let topic = "object.status"

    let project: String
    let environment: String
    let concept: ObjectConcept
    let name: String
    let description: String?
    let spec: [UInt8]
    let confidential: [String]
    let state: String
    let reason: Reason?
    let notBefore: Int64?
    let notAfter: Int64?
    let generation: Int64
    let revision: Int64
    let command: UUID?
    let changedAt: Int64
    let changedBy: String
    /// The Kubernetes objects that somebody else has changed: JSON.
    let drift: [UInt8]?

    /// What ``init(_:)`` reads of an object `o` and its environment `e`, in order.
    static let columns = """
        e.project, e.environment, o.kind, o.name, o.description, o.spec::text, o.confidential::text, o.state,
        o.reason_code, o.reason, o.not_before, o.not_after, o.generation, o.revision, o.open_command, o.changed_at,
        o.changed_by, o.drift::text
        """

    init(_ row: PostgresRow) throws {
        project = try row.string(0)
        environment = try row.string(1)
        concept = ObjectConcept(rawValue: try row.string(2)) ?? .configMap
        name = try row.string(3)
        description = try row.optionalString(4)
        spec = Array(try row.string(5).utf8)
        confidential = try EncryptedValues(json: row.string(6)).names
        state = try row.string(7)
        reason = try row.optionalString(8).map { Reason(code: $0, sentence: try row.optionalString(9) ?? "") }
        notBefore = try row.optionalTimestamp(10)
        notAfter = try row.optionalTimestamp(11)
        generation = try row.int64(12)
        revision = try row.int64(13)
        command = try row.optionalUUID(14)
        changedAt = try row.timestamp(15)
        changedBy = try row.string(16)
        drift = try row.optionalString(17).map { Array($0.utf8) }
    }

    /// The key: the object's identity.
    var key: String { "\(project)/\(environment)/\(concept.rawValue)/\(name)" }

    /// The message: the latest state, or the tombstone of an object that is gone; the same bytes as long as the
    /// revision is.
    var record: OutboxRecord {
        let id = DerivedID.make(Self.topic, key, String(revision)).uuidString.lowercased()
        guard state != ObjectLife.deleted else {
            return OutboxRecord(
                tombstone: Self.topic,
                key: key,
                id: id,
                source: "/slipway/\(changedBy)",
                revision: revision,
                time: changedAt
            )
        }
        return OutboxRecord(
            topic: Self.topic,
            key: key,
            event: OutgoingEvent(
                id: id,
                type: "slipway.\(concept.rawValue).status.v1",
                source: "/slipway/\(changedBy)",
                subject: key,
                time: changedAt,
                data: data,
                extensions: [("revision", String(revision))]
            ),
            coalesces: true
        )
    }

    private var data: [UInt8] {
        JSONWriter.object { json in
            json.member("project", project)
            json.member("environment", environment)
            json.member("name", name)
            json.member("description", description)
            writeSpec(into: &json)
            json.member("state", state)
            json.member("reason", reason)
            if let drift { json.member("drift", json: drift) }
            json.member("generation", generation)
            json.member("command", command?.uuidString.lowercased())
            json.member("revision", revision)
            json.member("time", RFC3339.format(microseconds: changedAt))
        }
    }

    private func writeSpec(into json: inout JSONWriter) {
        switch concept {
        case .network, .domain:
            json.member("spec", json: spec)
        case .certificate:
            let stored = try? JSONDecoder().decode(StoredCertificate.self, from: Data(spec))
            json.member("domains", array: stored?.domains ?? [])
            json.member("way", stored?.isUploaded == true ? "upload" : "request")
            json.member("notBefore", notBefore.map { RFC3339.format(microseconds: $0) })
            json.member("notAfter", notAfter.map { RFC3339.format(microseconds: $0) })
        case .configMap:
            let stored = try? JSONDecoder().decode(ConfigMapSpec.self, from: Data(spec))
            json.member("keys", array: stored?.data.keys.sorted() ?? [])
        case .secret:
            let stored = try? JSONDecoder().decode(StoredSecret.self, from: Data(spec))
            json.member("type", stored?.type ?? SecretSpec.opaque)
            json.member("keys", array: confidential)
        }
    }
}
