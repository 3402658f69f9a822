import Foundation
import Postgres
import WorkerRuntime

/// What commands on objects asked for that ended without success, as long as nothing newer is known to be done.
///
/// An agent may do such a command all the same: it had begun it, or was told too late. What it says of it then is what
/// the cluster holds, though the object's row was given over to a newer command, or back to what was there before.
struct ObjectAttempts {
    /// Keeps what an object's command asks for, which its row says for as long as the command is its newest.
    static func keep(
        _ object: EnvironmentObject,
        of command: Command,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let isRemoval = ObjectOperation(of: command) == .delete
        try transaction.submit(
            """
            insert into object_attempt (command, object_id, generation, spec, confidential) values ($1, $2, $3, $4, $5)
            on conflict (command) do nothing
            """,
            [
                .uuid(command.id), .int64(object.id), .int64(command.generation),
                .optionalJSONB(isRemoval ? nil : object.spec),
                .jsonb(isRemoval ? Array("{}".utf8) : object.confidential.json),
            ]
        )
    }

    /// Whether one of an object failed, and nothing was done since, so that nobody knows what the cluster holds.
    ///
    /// A worker of the version before leaves here what something newer was done after.
    static func haveFailed(_ object: Int64, in transaction: borrowing PostgresTransaction) throws -> Bool {
        try transaction.query(
            """
            select exists (
                select from object_attempt a join command c on c.id = a.command
                where a.object_id = $1 and c.state in ('failed', 'timed_out')
                    and not exists (
                        select from command n
                        where n.object_id = a.object_id and n.generation > a.generation and n.state = 'succeeded'))
            """,
            [.int64(object)]
        ).only().bool(0)
    }

    /// Makes what a command asked for what is wanted of its object; returns whether it was kept.
    static func want(_ command: Command, in transaction: borrowing PostgresTransaction) throws -> Bool {
        try transaction.query(
            """
            update environment_object o
            set spec = coalesce(a.spec, o.spec),
                confidential = case when a.spec is null then o.confidential else a.confidential end
            from object_attempt a where a.command = $1 and o.id = a.object_id
            """,
            [.uuid(command.id)]
        ).affected == 1
    }

    /// Makes what a command asked for what is in the cluster of its object, which a newer command has.
    ///
    /// As long as the newer one is on its way, nobody sees a difference, so the revision stays. What something newer was
    /// done after is passed by: a worker of the version before leaves it here.
    ///
    /// - Returns: Whether that is to be published; `nil` where nothing was kept of the command.
    static func left(
        _ command: Command,
        now: Int64,
        by worker: String,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool? {
        try transaction.query(
            """
            update environment_object o
            set running_spec = a.spec, running_confidential = case when a.spec is not null then a.confidential end,
                -- Of one that goes on as it was, nothing is wanted but what is there.
                spec = case when o.open_command is null and o.state <> 'failed' then coalesce(a.spec, o.spec)
                    else o.spec end,
                confidential = case
                    when o.open_command is null and o.state <> 'failed' and a.spec is not null then a.confidential
                    else o.confidential end,
                drift = case when o.open_command is null then null else o.drift end,
                revision = case when o.open_command is null then o.revision + 1 else o.revision end,
                changed_at = case when o.open_command is null then $2 else o.changed_at end,
                changed_by = case when o.open_command is null then $3 else o.changed_by end
            from object_attempt a
            where a.command = $1 and o.id = a.object_id and o.state <> 'deleted'
                and not exists (
                    select from command n
                    where n.object_id = o.id and n.generation > a.generation and n.state = 'succeeded')
            returning o.open_command is null
            """,
            [.uuid(command.id), .timestamp(now), .text(worker)]
        ).first?.bool(0)
    }

    /// Forgets what is older than what the cluster is known to have done.
    static func forget(upTo command: Command, of object: Int64, in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit(
            "delete from object_attempt where object_id = $1 and generation <= $2",
            [.int64(object), .int64(command.generation)]
        )
    }

    /// Forgets everything of an object, whose name begins a new life.
    static func forget(object: Int64, in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit("delete from object_attempt where object_id = $1", [.int64(object)])
    }

    /// Forgets everything of what was in an environment.
    static func forget(environment: Int64, in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit(
            """
            delete from object_attempt a using environment_object o
            where o.id = a.object_id and o.environment_id = $1
            """,
            [.int64(environment)]
        )
    }
}
