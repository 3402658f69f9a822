import Foundation
import Postgres
import WorkerRuntime

/// `slipway.cluster.delete.v1`: a cluster that no environment is in any more; its agent is told to stop.
struct DeleteCluster: RequestOperation {
    static let name = "cluster.delete"
    static let access = Access.administrator

    let cluster: String

    var place: RequestPlace { .cluster(cluster) }
    var subject: RequestSubject { RequestSubject("cluster", cluster) }
    var rows: RequestRows { RequestRows(clusters: [cluster]) }

    func check() throws(Reason) {
        try FieldRules.name(cluster, "cluster")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let row = try transaction.query(
            "select boot from cluster where cluster = $1 and deleted_at is null",
            [.text(cluster)]
        ).first
        guard let row else { throw Reason.unknown("cluster", cluster) }
        let environments = try transaction.query(
            """
            select project || '/' || environment from environment where cluster = $1 and state <> 'deleted'
            order by project, environment limit 4
            """,
            [.text(cluster)]
        ).map { try $0.string(0) }
        guard environments.isEmpty else {
            throw Reason(
                code: "cluster_in_use",
                sentence: "The cluster '\(cluster)' holds environments: \(environments.listed()); delete them first.",
                field: "cluster"
            )
        }
        if let boot = try row.optionalUUID(0) {
            let post = try act.post(to: cluster, in: transaction)
            let reason = "The cluster '\(cluster)' was deleted."
            act.outbox.append(post.superseded(boot.uuidString.lowercased(), reason: reason, now: act.now))
        }
        try transaction.submit("update agent_boot set superseded = true where cluster = $1", [.text(cluster)])
        try transaction.submit("delete from cluster_project where cluster = $1", [.text(cluster)])
        try transaction.submit(
            "update cluster set deleted_at = $2, state = 'unknown', revision = revision + 1 where cluster = $1",
            [.text(cluster), .timestamp(act.now)]
        )
        try act.succeedAtOnce(in: transaction)
    }
}

extension [String] {
    /// The first three, and that there are more, for people.
    func listed() -> String {
        prefix(3).joined(separator: ", ") + (count > 3 ? " and more" : "")
    }
}
