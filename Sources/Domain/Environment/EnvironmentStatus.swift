internal import CloudEvents
import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// The state of an environment as it is published.
struct EnvironmentStatus: Sendable {
    let project: String
    let environment: String
    let cluster: String
    let namespace: String
    let state: String
    let reason: Reason?
    let revision: Int64
    let changedAt: Int64
    let changedBy: String
    let displayName: String?
    let description: String?
    let group: String?
    let position: Int32
    let isOpenToMembers: Bool
    let repairsDrift: Bool
    let isConnected: Bool

    /// What ``init(_:)`` reads, in order.
    static let columns = """
        project, environment, cluster, namespace, state, reason_code, reason, revision, changed_at, changed_by,
        display_name, description, (select g.name from environment_group g where g.id = environment.group_id),
        position, open_to_members, repair_drift, connected
        """

    /// The message: the latest state, keyed by the environment; the same bytes as long as the revision is.
    ///
    /// A tombstone where the environment is gone.
    var record: OutboxRecord {
        let key = "\(project)/\(environment)"
        let id = DerivedID.make("environment.status", key, String(revision)).uuidString.lowercased()
        let source = "/slipway/\(changedBy)"
        guard state != EnvironmentState.deleted.rawValue else {
            return OutboxRecord(
                tombstone: "environment.status",
                key: key,
                id: id,
                source: source,
                revision: revision,
                time: changedAt
            )
        }
        let data = JSONWriter.object { json in
            json.member("project", project)
            json.member("environment", environment)
            json.member("cluster", cluster)
            json.member("namespace", namespace)
            json.member("state", state)
            json.member("connected", isConnected)
            json.member("displayName", displayName)
            json.member("description", description)
            json.member("group", group)
            json.member("position", position)
            json.member("openToMembers", isOpenToMembers)
            json.member("repairDrift", repairsDrift)
            json.member("reason", reason)
            json.member("revision", revision)
            json.member("time", RFC3339.format(microseconds: changedAt))
        }
        return OutboxRecord(
            topic: "environment.status",
            key: key,
            event: OutgoingEvent(
                id: id,
                type: "slipway.environment.status.v1",
                source: source,
                subject: key,
                time: changedAt,
                data: data,
                extensions: [("revision", String(revision))]
            ),
            coalesces: true
        )
    }
}

extension EnvironmentStatus {
    /// Reads ``columns``.
    init(_ row: PostgresRow) throws {
        project = try row.string(0)
        environment = try row.string(1)
        cluster = try row.string(2)
        namespace = try row.string(3)
        state = try row.string(4)
        if let code = try row.optionalString(5) {
            reason = Reason(code: code, sentence: try row.optionalString(6) ?? "")
        } else {
            reason = nil
        }
        revision = try row.int64(7)
        changedAt = try row.timestamp(8)
        changedBy = try row.string(9)
        displayName = try row.optionalString(10)
        description = try row.optionalString(11)
        group = try row.optionalString(12)
        position = try row.int32(13)
        isOpenToMembers = try row.bool(14)
        repairsDrift = try row.bool(15)
        isConnected = try row.bool(16)
    }
}
