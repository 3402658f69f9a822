internal import CloudEvents
import Foundation
public import Postgres
public import WorkerRuntime

/// What the end of a command means for its instance, and what is published of an instance.
public struct InstanceProgress {
    /// The program that writes.
    public let worker: String

    /// Makes it for one program.
    public init(worker: String) {
        self.worker = worker
    }

    /// Frees the instance for the next command and publishes its state; success is a deployment others hear of.
    func commandEnded(
        _ command: Command,
        instance: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let before = try transaction.query("select running_version from instance where id = $1", [.int64(instance)])
            .first
        let wasRunning = try before?.optionalString(0)
        _ = try transaction.query(
            """
            update instance
            set open_command = case when open_command = $2 then null else open_command end,
                state = case
                    when open_command is distinct from $2 then state
                    when $3 = 'succeeded' then 'running'
                    when $3 in ('failed', 'timed_out') then 'failed'
                    else state end,
                running_version = case when $3 = 'succeeded' then desired_version else running_version end,
                running_generation = case when $3 = 'succeeded' then $4 else running_generation end,
                running_values = case when $3 = 'succeeded' then desired_values else running_values end,
                revision = revision + 1, changed_at = $5, changed_by = $6
            where id = $1
            """,
            [
                .int64(instance), .uuid(command.id), .text(command.state.rawValue), .int64(command.generation),
                .timestamp(now), .text(worker),
            ]
        )
        try publish([instance], outbox: outbox, in: transaction)
        guard command.state == .succeeded else { return }
        try announce(command, instance: instance, isFirst: wasRunning == nil, now: now, outbox: outbox, in: transaction)
    }

    /// Notes what the instance runs though its command has ended otherwise, such as by a deadline.
    ///
    /// The command stays ended; what the database says to run must be what the cluster runs. A result of an older
    /// generation than the one that runs changes nothing.
    func appliedLate(
        _ command: Command,
        instance: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let release = try JSONDecoder().decode(ReleaseRequested.self, from: Data(command.desired))
        let changed = try transaction.query(
            """
            update instance
            set running_version = $2, running_generation = $3,
                running_values = case when generation = $3 then desired_values else running_values end,
                revision = revision + 1, changed_at = $4, changed_by = $5
            where id = $1 and coalesce(running_generation, 0) < $3
            """,
            [.int64(instance), .text(release.version), .int64(command.generation), .timestamp(now), .text(worker)]
        )
        guard changed.affected == 1 else { return }
        try publish([instance], outbox: outbox, in: transaction)
    }

    /// Publishes the state of instances whose rows the transaction has locked, as it stands now.
    public func publish(
        _ instances: [Int64],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let rows = try transaction.query(
            """
            select \(InstanceStatus.columns) from instance i join environment e on e.id = i.environment_id
            where i.id = any($1) order by i.id
            """,
            [.array(.int64s(instances))]
        )
        for row in rows { outbox.append(try InstanceStatus(row).record) }
    }

    private func announce(
        _ command: Command,
        instance: Int64,
        isFirst: Bool,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard
            let row = try transaction.query(
                """
                select a.artifact, i.desired_version, v.digest, v.image
                from instance i join environment e on e.id = i.environment_id
                join application a on a.project = e.project and a.application = i.application
                left join version v on v.artifact = a.artifact and v.version = i.desired_version
                where i.id = $1
                """,
                [.int64(instance)]
            ).first
        else { return }
        let artifact = ArtifactID.make(
            name: try row.string(0),
            version: try row.string(1),
            digest: try row.optionalString(2),
            image: try row.optionalString(3)
        )
        outbox.append(
            CDEvent.service(
                isFirst ? .deployed : .upgraded,
                environment: command.key,
                service: command.subjectName,
                artifact: artifact,
                id: DerivedID.make("cdevent", command.id.uuidString).uuidString.lowercased(),
                worker: worker,
                time: now,
                traceparent: command.traceparent
            )
        )
    }
}
