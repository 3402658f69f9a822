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

    /// What ``init(_:)`` reads, in order.
    static let columns = """
        project, environment, cluster, namespace, state, reason_code, reason, revision, changed_at, changed_by
        """

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
    }

    /// The message: the latest state, keyed by the environment; the same bytes as long as the revision is.
    var record: OutboxRecord {
        let key = "\(project)/\(environment)"
        let data = JSONWriter.object { json in
            json.member("project", project)
            json.member("environment", environment)
            json.member("cluster", cluster)
            json.member("namespace", namespace)
            json.member("state", state)
            json.member("reason", reason)
            json.member("revision", revision)
            json.member("time", RFC3339.format(microseconds: changedAt))
        }
        return OutboxRecord(
            topic: "environment.status",
            key: key,
            event: OutgoingEvent(
                id: DerivedID.make("environment.status", key, String(revision)).uuidString.lowercased(),
                type: "slipway.environment.status.v1",
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
