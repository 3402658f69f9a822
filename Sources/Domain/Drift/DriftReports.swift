import Foundation
import Postgres
import WorkerRuntime

/// What agents tell of objects that somebody else has changed: it is shown, and put back where the environment says so.
struct DriftReports {
    /// The operation of the audit log for what the fleet puts back by itself.
    static let operation = "drift.repair"
    private let worker = AgentStatusHandler.worker

    /// What a subject's row says before.
    private struct Standing {
        let subject: Int64
        let isWanted: Bool
        let isActive: Bool
        let repairedAt: Int64?
    }

    /// Keeps what was told, publishes it, and says whether it is to be repaired.
    ///
    /// What was told of another than the newest command counts for nothing: a newer one is on its way and ends the drift.
    ///
    /// - Returns: Whether the command is to be sent to the agent once more.
    func take(
        _ report: AgentDrifted,
        of command: Command,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        let table = command.instanceID == nil ? Table.object : .instance
        guard let subject = command.instanceID ?? command.objectID,
            let standing = try standing(of: subject, command, table, in: transaction)
        else { return false }
        let objects = report.objects.sorted()
        let changed = try transaction.query(
            """
            update \(table.rawValue)
            set drift = $2, revision = revision + 1, changed_at = $3, changed_by = $4
            where id = $1 and drift is distinct from $2
            """,
            [
                .int64(subject), .optionalJSONB(objects.isEmpty ? nil : try Array(JSONEncoder.stable.encode(objects))),
                .timestamp(batch.now), .text(worker),
            ]
        )
        if changed.affected > 0 { try publish([subject], table, batch.outbox, in: transaction) }
        guard
            RepairPace.isDue(
                isWanted: standing.isWanted,
                isActive: standing.isActive,
                objects: objects,
                last: standing.repairedAt,
                now: batch.now
            )
        else { return false }
        try note(subject, command, table, now: batch.now, in: transaction)
        return true
    }

    /// Forgets what was told before a hello: the agent tells it again where it is still so.
    ///
    /// An agent says hello when it begins, and again when something it said was lost, which may have been a drift's end.
    func forget(cluster: String, _ batch: Batch<AgentStatusInput>, in transaction: borrowing PostgresTransaction) throws
    {
        for table in Table.allCases {
            let rows = try transaction.query(
                """
                update \(table.rawValue) s
                set drift = null, revision = s.revision + 1, changed_at = $2, changed_by = $3
                from environment e
                where e.id = s.environment_id and e.cluster = $1 and s.drift is not null returning s.id
                """,
                [.text(cluster), .timestamp(batch.now), .text(worker)]
            )
            let subjects = try rows.map { try $0.int64(0) }
            if !subjects.isEmpty { try publish(subjects, table, batch.outbox, in: transaction) }
        }
    }

    /// The tables of what can drift.
    private enum Table: String, CaseIterable {
        case instance
        case object = "environment_object"
    }

    private func standing(
        of subject: Int64,
        _ command: Command,
        _ table: Table,
        in transaction: borrowing PostgresTransaction
    ) throws -> Standing? {
        let row = try transaction.query(
            """
            select e.repair_drift, e.state, s.repaired_at from \(table.rawValue) s join environment e on e.id = s.environment_id
            where s.id = $1 and s.generation = $2 and s.open_command is null and s.state <> 'deleted'
            """,
            [.int64(subject), .int64(command.generation)]
        ).first
        guard let row else { return nil }
        return Standing(
            subject: subject,
            isWanted: try row.bool(0),
            isActive: try row.string(1) == EnvironmentState.active.rawValue,
            repairedAt: try row.optionalTimestamp(2)
        )
    }

    private func note(
        _ subject: Int64,
        _ command: Command,
        _ table: Table,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            "update \(table.rawValue) set repaired_at = $2 where id = $1",
            [.int64(subject), .timestamp(now)]
        )
        var entry = AuditEntry(decidedBy: worker, caller: nil, operation: Self.operation, outcome: "sent")
        (entry.project, entry.environment) = (command.project, command.environment)
        (entry.subjectKind, entry.subjectName) = (command.subjectKind, command.subjectName)
        entry.command = command.id
        try AuditLog.write([entry], in: transaction)
    }

    private func publish(
        _ subjects: [Int64],
        _ table: Table,
        _ outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        switch table {
        case .instance: try InstanceProgress(worker: worker).publish(subjects, outbox: outbox, in: transaction)
        case .object: try ObjectProgress(worker: worker).publish(subjects, outbox: outbox, in: transaction)
        }
    }
}
