import Foundation
import Postgres
import WorkerRuntime

/// What agents tell of objects that somebody else has changed: it is shown, and put back where the environment says so.
struct DriftReports {
    /// The operation of the audit log for what the fleet puts back by itself.
    static let operation = "drift.repair"
    private let worker = AgentStatusHandler.worker

    /// What drifts: the row of an instance or an object.
    private struct Subject {
        let table: Table
        let id: Int64

        init?(_ command: Command) {
            if let instance = command.instanceID {
                table = .instance
                id = instance
            } else if let object = command.objectID {
                table = .object
                id = object
            } else {
                return nil
            }
        }
    }

    /// What is stored of a subject before.
    private struct Standing {
        let isWanted: Bool
        let isActive: Bool
        let repairedAt: Int64?
        let later: LaterCommands
    }

    /// Keeps what was told, publishes it, and says what is to be repaired with.
    ///
    /// What was told of a command counts for nothing once a newer one is on its way or was done, which ends the drift.
    /// See ``DriftAnswer`` for newer ones that were not done.
    ///
    /// - Returns: `nil` where the command is not to be sent to the agent once more.
    func take(
        _ report: AgentDrifted,
        of command: Command,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> RepairContent? {
        guard let subject = Subject(command), let standing = try standing(of: subject, command, in: transaction) else {
            return nil
        }
        let isObject = subject.table == .object
        let answer = DriftAnswer(toReportOn: command.state, isObject: isObject, later: standing.later)
        guard answer != .passed else { return nil }
        let objects = report.objects.sorted()
        let changed = try transaction.query(
            """
            update \(subject.table.rawValue)
            set drift = $2, revision = revision + 1, changed_at = $3, changed_by = $4
            where id = $1 and drift is distinct from $2
            """,
            [
                .int64(subject.id),
                .optionalJSONB(objects.isEmpty ? nil : try Array(JSONEncoder.stable.encode(objects))),
                .timestamp(batch.now), .text(worker),
            ]
        )
        if changed.affected > 0 { try publish([subject.id], subject.table, batch.outbox, in: transaction) }
        guard case .repairable(let content) = answer,
            RepairPace.isDue(
                isWanted: standing.isWanted,
                isActive: standing.isActive,
                objects: objects,
                last: standing.repairedAt,
                now: batch.now
            )
        else { return nil }
        return content
    }

    /// Notes that a command was sent once more.
    func noteRepair(of command: Command, now: Int64, in transaction: borrowing PostgresTransaction) throws {
        guard let subject = Subject(command) else { return }
        try transaction.submit(
            "update \(subject.table.rawValue) set repaired_at = $2 where id = $1",
            [.int64(subject.id), .timestamp(now)]
        )
        var entry = AuditEntry(decidedBy: worker, caller: nil, operation: Self.operation, outcome: "sent")
        (entry.project, entry.environment) = (command.project, command.environment)
        (entry.subjectKind, entry.subjectName) = (command.subjectKind, command.subjectName)
        entry.command = command.id
        try AuditLog.write([entry], in: transaction)
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

        /// The column of commands that names its rows.
        var reference: String {
            switch self {
            case .instance: "instance_id"
            case .object: "object_id"
            }
        }
    }

    /// What is stored of a subject; `nil` where it is gone or elsewhere, or a command is on its way.
    ///
    /// Generations are compared with those of commands: the subject's own rises in a recovery, and the cluster's marks
    /// do not.
    private func standing(
        of subject: Subject,
        _ command: Command,
        in transaction: borrowing PostgresTransaction
    ) throws -> Standing? {
        let row = try transaction.query(
            """
            select e.repair_drift, e.state, s.repaired_at, later.number > 0, later.done, later.deletions
            from \(subject.table.rawValue) s join environment e on e.id = s.environment_id
            cross join lateral (
                select count(*) as number,
                    coalesce(bool_or(n.state = 'succeeded' or n.objects is not null or said.applied), false) as done,
                    coalesce(bool_or(n.operation like '%.delete' and n.state <> 'canceled'), false) as deletions
                from command n left join lateral (
                    select true as applied from command_step t where t.command = n.id and t.state = 'applied' limit 1
                ) said on true
                where n.\(subject.table.reference) = s.id and n.generation > $2
            ) later
            where s.id = $1 and s.open_command is null and s.state <> 'deleted' and e.cluster = $3
            """,
            [.int64(subject.id), .int64(command.generation), .optionalText(command.cluster)]
        ).first
        guard let row else { return nil }
        return Standing(
            isWanted: try row.bool(0),
            isActive: try row.string(1) == EnvironmentState.active.rawValue,
            repairedAt: try row.optionalTimestamp(2),
            later: LaterCommands(
                exist: try row.bool(3),
                wereDone: try row.bool(4),
                wereDeletions: try row.bool(5)
            )
        )
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
