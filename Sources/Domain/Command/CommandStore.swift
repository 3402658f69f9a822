internal import CloudEvents
import Foundation
public import Postgres
import WorkerRuntime

/// The rows of commands and their ledger.
public struct CommandStore {
    /// The program that writes, for the ledger.
    public let worker: String

    /// Makes a store.
    public init(worker: String) {
        self.worker = worker
    }

    static let columns = """
        id, operation, environment_id, instance_id, cluster, key, subject_kind, subject_name, project, environment,
        generation, state, revision, reason_code, reason, caller, request_source, request_id, request_type,
        desired::text, objects::text, created_at, step_deadline, deadline, step_seconds, settle_seconds,
        failure_seconds, healthy_since, failing_since, failing_code, failing_reason, traceparent, object_id,
        tracestate
        """

    /// Locks commands in the order of their ids and reads them.
    public func lock(_ ids: [UUID], in transaction: borrowing PostgresTransaction) throws -> [UUID: Command] {
        guard !ids.isEmpty else { return [:] }
        let rows = try transaction.query(
            "select \(Self.columns) from command where id = any($1) order by id for no key update",
            [.array(.uuids(ids))]
        )
        var commands: [UUID: Command] = [:]
        for row in rows {
            let command = try Command(row)
            commands[command.id] = command
        }
        return commands
    }

    /// The open commands of a cluster in the order in which they were accepted; not locked.
    public func open(ofCluster cluster: String, in transaction: borrowing PostgresTransaction) throws -> [Command] {
        try transaction.query(
            """
            select \(Self.columns) from command
            where cluster = $1 and state in ('accepted', 'sent', 'acknowledged', 'applied')
            order by created_at, generation, id
            """,
            [.text(cluster)]
        ).map { try Command($0) }
    }

    /// The deletions that counted at once because a cluster's agent was away, and that it still has to do; not locked.
    ///
    /// Left out are instances whose name was taken again since, or whose namespace is gone, elsewhere or made anew;
    /// namespaces that an environment has again, or that were left in a cluster which has been registered anew since;
    /// and all that the agent said to be done, or to be behind what the cluster runs. What the agent said of a
    /// namespace is known as long as the ledger goes back. Generations are compared with those of other commands, since
    /// the instance's own rises in a recovery. `offset 0` has rows of others read by their keys.
    public func forcedDeletions(
        ofCluster cluster: String,
        in transaction: borrowing PostgresTransaction
    ) throws -> [Command] {
        try transaction.query(
            """
            select \(Self.columns) from command c
            where c.cluster = $1 and c.state = 'succeeded' and c.reason_code = '\(DeleteInstance.notRemoved)'
                and case when c.instance_id is null then
                    exists (
                        select from cluster k
                        where k.cluster = c.cluster and k.created_at <= c.created_at
                            and c.desired ->> 'namespace' is not null and c.created_at >= ledger_begins()
                        offset 0)
                    and not exists (
                        select from environment e
                        where e.cluster = c.cluster and e.namespace = c.desired ->> 'namespace' and e.state <> 'deleted'
                        offset 0)
                else
                    exists (
                        select from instance i join environment e on e.id = i.environment_id
                        where i.id = c.instance_id and i.state = 'deleted' and e.state <> 'deleted'
                            and e.cluster = c.cluster and e.namespace = i.namespace
                        offset 0)
                    and not exists (
                        select from command n
                        where n.instance_id = c.instance_id and n.generation > c.generation
                        offset 0)
                    and not exists (
                        select from command n
                        where n.environment_id = c.environment_id and n.subject_kind = 'environment'
                            and n.operation = '\(CreateEnvironment.name)' and n.created_at > c.created_at
                        offset 0)
                end
                and not exists (
                    select from command_step s
                    where s.command = c.id and s.late
                        and (s.state = 'applied' or s.reason_code = '\(AgentFailed.clusterIsFurther)')
                    offset 0)
            order by created_at, generation, id
            """,
            [.text(cluster)]
        ).map { try Command($0) }
    }

    /// Writes a new command, whose revision counts from 1.
    ///
    /// - Returns: What the stored revision begins behind; 0 unless the database was recovered.
    public func insert(_ command: Command, now: Int64, in transaction: borrowing PostgresTransaction) throws -> Int64 {
        let revision = try transaction.query(
            """
            insert into command (id, operation, environment_id, instance_id, cluster, key, subject_kind, subject_name,
                project, environment, generation, state, revision, caller, request_source, request_id, request_type,
                desired, created_at, changed_at, step_deadline, deadline, step_seconds, settle_seconds,
                failure_seconds, traceparent, object_id, tracestate)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, numbers_begin() + $13, $14, $15, $16, $17, $18,
                $19, $19, $20, $21, $22, $23, $24, $25, $26, $27)
            returning revision
            """,
            [
                .uuid(command.id), .text(command.operation), .optionalInt64(command.environmentID),
                .optionalInt64(command.instanceID), .optionalText(command.cluster), .text(command.key),
                .text(command.subjectKind), .text(command.subjectName), .optionalText(command.project),
                .optionalText(command.environment), .int64(command.generation), .text(command.state.rawValue),
                .int64(command.revision), .text(command.caller), .text(command.requestSource),
                .text(command.requestID), .text(command.requestType), .jsonb(command.desired), .timestamp(now),
                .optionalTimestamp(command.stepDeadline), .timestamp(command.deadline),
                .array(
                    .int32s(
                        [command.timers.acknowledge, command.timers.apply, command.timers.healthy].map { Int32($0) }
                    )
                ),
                .int32(Int32(command.timers.settle)), .int32(Int32(command.timers.failure)),
                .optionalText(command.trace?.parent), .optionalInt64(command.objectID),
                .optionalText(command.trace?.state),
            ]
        ).only().int64(0)
        return revision - command.revision
    }

    /// Writes what changes of a command.
    public func update(_ command: Command, now: Int64, in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit(
            """
            update command
            set state = $2, revision = $3, reason_code = $4, reason = $5, objects = $6, changed_at = $7,
                step_deadline = $8, healthy_since = $9, failing_since = $10, failing_code = $11, failing_reason = $12
            where id = $1
            """,
            [
                .uuid(command.id), .text(command.state.rawValue), .int64(command.revision),
                .optionalText(command.reason?.code), .optionalText(command.reason?.sentence),
                .optionalJSONB(command.objects), .timestamp(now), .optionalTimestamp(command.stepDeadline),
                .optionalTimestamp(command.windows.healthySince), .optionalTimestamp(command.windows.failingSince),
                .optionalText(command.windows.failing?.code), .optionalText(command.windows.failing?.sentence),
            ]
        )
    }

    /// Whether the ledger says that the agent had a command after it had ended.
    func isAcknowledgedLate(_ command: UUID, in transaction: borrowing PostgresTransaction) throws -> Bool {
        try transaction.query(
            "select exists (select from command_step where command = $1 and late and state = 'acknowledged')",
            [.uuid(command)]
        ).only().bool(0)
    }

    /// Writes lines of the ledger.
    public func append(
        _ steps: [LedgerStep],
        of command: Command,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        for step in steps {
            try transaction.submit(
                """
                insert into command_step (command, revision, state, late, reason_code, reason, at, worker)
                values ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                [
                    .uuid(command.id), .int64(step.revision), .text(step.state.rawValue), .bool(step.isLate),
                    .optionalText(step.reason?.code), .optionalText(step.reason?.sentence), .timestamp(now),
                    .text(worker),
                ]
            )
        }
    }
}

extension Command {
    init(_ row: PostgresRow) throws {
        id = try row.uuid(0)
        operation = try row.string(1)
        environmentID = try row.optionalInt64(2)
        instanceID = try row.optionalInt64(3)
        cluster = try row.optionalString(4)
        key = try row.string(5)
        subjectKind = try row.string(6)
        subjectName = try row.string(7)
        project = try row.optionalString(8)
        environment = try row.optionalString(9)
        generation = try row.int64(10)
        state = CommandState(rawValue: try row.string(11)) ?? .failed
        revision = try row.int64(12)
        if let code = try row.optionalString(13) {
            reason = Reason(code: code, sentence: try row.optionalString(14) ?? "")
        }
        caller = try row.string(15)
        requestSource = try row.string(16)
        requestID = try row.string(17)
        requestType = try row.string(18)
        desired = Array(try row.string(19).utf8)
        objects = try row.optionalString(20).map { Array($0.utf8) }
        createdAt = try row.timestamp(21)
        stepDeadline = try row.optionalTimestamp(22)
        deadline = try row.timestamp(23)
        let seconds = try row.int64s(24)
        timers = CommandTimers()
        timers.acknowledge = Int(seconds.first ?? 60)
        timers.apply = Int(seconds.count > 1 ? seconds[1] : 300)
        timers.healthy = Int(seconds.count > 2 ? seconds[2] : 600)
        timers.settle = Int(try row.int32(25))
        timers.failure = Int(try row.int32(26))
        windows.healthySince = try row.optionalTimestamp(27)
        windows.failingSince = try row.optionalTimestamp(28)
        if let code = try row.optionalString(29) {
            windows.failing = Reason(code: code, sentence: try row.optionalString(30) ?? "")
        }
        trace = TraceContext(parent: try row.optionalString(31), state: try row.optionalString(33))
        objectID = try row.optionalInt64(32)
    }
}
