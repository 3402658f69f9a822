import Foundation
import Postgres
import WorkerRuntime

/// The end of a deletion: with the namespace gone, everything that was in the environment is, in one transaction.
///
/// Rows of instances, objects and the environment itself stay as `deleted`, so that revisions and generations go on
/// when a name comes again; each is told by a tombstone.
struct EnvironmentRemoval {
    let worker: String
    let command: Command
    let now: Int64
    let outbox: OutboxBuffer

    /// Takes everything away; the environment's row and those of everything in it are locked.
    func complete(_ environment: Int64, in transaction: borrowing PostgresTransaction) throws {
        let wasMade = try transaction.query("select was_made from environment where id = $1", [.int64(environment)])
            .only().optionalBool(0)
        try removeInstances(of: environment, in: transaction)
        try ObjectProgress(worker: worker).environmentRemoved(
            environment,
            now: now,
            outbox: outbox,
            in: transaction
        )
        for table in ["auto_deploy_rule", "environment_member"] {
            try transaction.submit("delete from \(table) where environment_id = $1", [.int64(environment)])
        }
        try transaction.submit(
            """
            update environment set state = 'deleted', reason_code = null, reason = null, group_id = null,
                open_to_members = false, repair_drift = false, revision = revision + 1, changed_at = $2,
                changed_by = $3, was_made = null
            where id = $1
            """,
            [.int64(environment), .timestamp(now), .text(worker)]
        )
        try EnvironmentProgress(worker: worker).publish(environment, outbox: outbox, in: transaction)
        guard EnvironmentAnnouncement(wasMade: wasMade).isKnown else { return }
        outbox.append(
            CDEvent.environment(.deleted, command.key, id: cdevent(command.key), worker: worker, time: now)
        )
    }

    private func removeInstances(of environment: Int64, in transaction: borrowing PostgresTransaction) throws {
        let rows = try transaction.query(
            """
            with before as (
                select id, running_version is not null as ran from instance
                where environment_id = $1 and state <> 'deleted')
            update instance i set state = 'deleted', open_command = null, running_version = null,
                running_generation = null, settled = null, settled_state = null, health = 'missing',
                health_reason = null, pods_ready = 0, pods_total = 0, objects = 0, revision = i.revision + 1, changed_at = $2,
                changed_by = $3
            from before where before.id = i.id
            returning i.instance, i.revision, before.ran
            """,
            [.int64(environment), .timestamp(now), .text(worker)]
        )
        for row in rows {
            let name = try row.string(0)
            outbox.append(tombstone("instance.status", "\(command.key)/\(name)", revision: try row.int64(1)))
            guard try row.bool(2) else { continue }
            outbox.append(
                CDEvent.service(
                    .removed,
                    environment: command.key,
                    service: name,
                    artifact: "",
                    id: cdevent("\(command.key)/\(name)"),
                    worker: worker,
                    time: now,
                    trace: command.trace
                )
            )
        }
    }

    private func tombstone(_ topic: String, _ key: String, revision: Int64) -> OutboxRecord {
        OutboxRecord(
            tombstone: topic,
            key: key,
            id: DerivedID.make(topic, key, String(revision)).uuidString.lowercased(),
            source: "/slipway/\(worker)",
            revision: revision,
            time: now
        )
    }

    private func cdevent(_ subject: String) -> String {
        DerivedID.make("cdevent", command.id.uuidString, subject).uuidString.lowercased()
    }
}
