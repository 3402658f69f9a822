internal import CloudEvents
import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// The state of an instance as it is published.
struct InstanceStatus: Sendable {
    let project: String
    let environment: String
    let instance: String
    let application: String
    let desiredVersion: String
    let runningVersion: String?
    let state: String
    let health: String
    let healthReason: String?
    let podsReady: Int32
    let podsTotal: Int32
    let generation: Int64
    let revision: Int64
    let command: UUID?
    let changedAt: Int64
    let changedBy: String
    let reason: Reason?
    /// The objects that somebody else has changed: JSON.
    let drift: [UInt8]?

    /// What ``init(_:)`` reads of an instance `i` and its environment `e`, in order.
    static let columns = """
        e.project, e.environment, i.instance, i.application, i.desired_version, i.running_version, i.state, i.health,
        i.health_reason, i.pods_ready, i.pods_total, i.generation, i.revision, i.open_command, i.changed_at,
        i.changed_by, i.reason_code, i.reason, i.drift::text
        """

    /// The message: the latest state, keyed by the instance; the same bytes as long as the revision is.
    ///
    /// Of a deleted instance it is a tombstone.
    var record: OutboxRecord {
        let key = "\(project)/\(environment)/\(instance)"
        let id = DerivedID.make("instance.status", key, String(revision)).uuidString.lowercased()
        guard state != InstanceState.deleted.rawValue else {
            return OutboxRecord(
                tombstone: "instance.status",
                key: key,
                id: id,
                source: "/slipway/\(changedBy)",
                revision: revision,
                time: changedAt
            )
        }
        let data = JSONWriter.object { json in
            json.member("project", project)
            json.member("environment", environment)
            json.member("instance", instance)
            json.member("application", application)
            json.member("desiredVersion", desiredVersion)
            json.member("runningVersion", runningVersion)
            json.member("state", state)
            json.member("health", health)
            json.member("healthReason", healthReason)
            json.objectMember("pods") { pods in
                pods.member("ready", podsReady)
                pods.member("total", podsTotal)
            }
            json.member("generation", generation)
            json.member("command", command?.uuidString.lowercased())
            json.member("reason", reason)
            if let drift { json.member("drift", json: drift) }
            json.member("revision", revision)
            json.member("time", RFC3339.format(microseconds: changedAt))
        }
        return OutboxRecord(
            topic: "instance.status",
            key: key,
            event: OutgoingEvent(
                id: id,
                type: "slipway.instance.status.v1",
                source: "/slipway/\(changedBy)",
                subject: key,
                time: changedAt,
                data: data,
                extensions: [("revision", String(revision))]
            ),
            coalesces: true
        )
    }
}

extension InstanceStatus {
    /// Reads ``columns``.
    init(_ row: PostgresRow) throws {
        project = try row.string(0)
        environment = try row.string(1)
        instance = try row.string(2)
        application = try row.string(3)
        desiredVersion = try row.string(4)
        runningVersion = try row.optionalString(5)
        state = try row.string(6)
        health = try row.string(7)
        healthReason = try row.optionalString(8)
        podsReady = try row.int32(9)
        podsTotal = try row.int32(10)
        generation = try row.int64(11)
        revision = try row.int64(12)
        command = try row.optionalUUID(13)
        changedAt = try row.timestamp(14)
        changedBy = try row.string(15)
        reason = try row.optionalString(16).map { Reason(code: $0, sentence: try row.optionalString(17) ?? $0) }
        drift = try row.optionalString(18).map { Array($0.utf8) }
    }
}
