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

    /// Frees the instance for the next command and publishes its state; others hear of deployments and removals.
    ///
    /// What the agent had applied of one that somebody ended before it was judged is what runs from then on.
    /// One that is superseded leaves the instance to the command that takes its place, which publishes it.
    func commandEnded(
        _ command: Command,
        instance: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let told = try command.state == .succeeded ? DeploymentHistory.newest(before: command, in: transaction) : nil
        try DeploymentHistory.end(command, after: told, now: now, in: transaction)
        if command.isLeftApplied { try note(command, of: instance, now: now, in: transaction) }
        let row = try transaction.query(
            """
            select state, settled_state, desired_version, open_command, running_version is not null,
                cluster, namespace, instance, objects
            from instance where id = $1
            """,
            [.int64(instance)]
        ).only()
        guard try row.optionalUUID(3) == command.id else { return }
        let state = InstanceState(rawValue: try row.string(0)) ?? .operating
        let before = try row.optionalString(1).flatMap(InstanceState.init)
        let next =
            command.isBehindCluster
            ? InstanceState(aim: command.goal)
            : state.next(goal: command.goal, ended: command.state, before: before)
        try free(instance, from: command, as: next, now: now, in: transaction)
        if command.state == .superseded { return }
        if try command.state == .succeeded && next != .deleted && row.int(8) == 0 {
            let stream = StreamID(cluster: try row.string(5), namespace: try row.string(6))
            let id = InstanceID(stream: stream, instance: try row.string(7))
            try InstanceHealthStore().addUpEarlier(id, by: worker, now: now, in: transaction)
        }
        let announcement = ServiceAnnouncement(
            command,
            isFirst: told == nil,
            isOtherVersion: try told?.version != row.string(2),
            hasRun: try row.bool(4)
        )
        try publish([instance], outbox: outbox, in: transaction)
        guard let verb = announcement.verb else { return }
        try announce(verb, command, instance: instance, now: now, outbox: outbox, in: transaction)
    }

    private func free(
        _ instance: Int64,
        from command: Command,
        as state: InstanceState,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let isReached = command.state == .succeeded || command.isBehindCluster
        try transaction.submit(
            """
            update instance
            set open_command = null, state = $2,
                settled_state = case when $2 = 'operating' then settled_state end,
                running_version = case when $2 = 'deleted' then null when $3 then desired_version
                    else running_version end,
                running_generation = case when $2 = 'deleted' then null when $3 then $4 else running_generation end,
                settled = case when $2 = 'deleted' then null when $3 then desired else settled end,
                -- What was taken back is not wanted any more.
                desired_version = case when $5 then coalesce(settled ->> 'version', desired_version)
                    else desired_version end,
                desired = case when $5 then coalesce(settled, desired) else desired end,
                health = case when $2 = 'deleted' then 'missing' else health end,
                health_reason = case when $2 = 'deleted' then null else health_reason end,
                pods_ready = case when $2 = 'deleted' then 0 else pods_ready end,
                pods_total = case when $2 = 'deleted' then 0 else pods_total end,
                objects = case when $2 = 'deleted' then 0 else objects end,
                reason_code = $6, reason = $7, revision = revision + 1, changed_at = $8, changed_by = $9
            where id = $1
            """,
            [
                .int64(instance), .text(state.rawValue), .bool(isReached), .int64(command.generation),
                .bool(command.state == .canceled), .optionalText(isReached ? nil : command.reason?.code),
                .optionalText(isReached ? nil : command.reason?.sentence), .timestamp(now), .text(worker),
            ]
        )
    }

    /// Notes what the instance runs though its command has ended otherwise, such as by a deadline.
    ///
    /// The command stays ended; what the database says to run must be what the cluster runs. One that was applied
    /// before it ended was judged: an agent that says so once more, as after a loss, brings nothing new.
    func appliedLate(
        _ command: Command,
        instance: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard command.objects == nil || command.isRemoval else { return }
        let hasRun = try transaction.query(
            "select running_version is not null from instance where id = $1",
            [.int64(instance)]
        ).only().bool(0)
        guard try note(command, of: instance, now: now, in: transaction) else { return }
        try publish([instance], outbox: outbox, in: transaction)
        guard command.isRemoval, hasRun else { return }
        try announce(.removed, command, instance: instance, now: now, outbox: outbox, in: transaction)
    }

    /// Notes what the cluster has of a command that ended otherwise; returns whether that is news.
    ///
    /// A result of an older generation than the one that runs changes nothing.
    @discardableResult
    private func note(
        _ command: Command,
        of instance: Int64,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        let release = command.isRemoval ? nil : try DesiredState(json: command.desired)
        // What was taken back, or what the agent never took, has decided nothing.
        let isNewest = """
            open_command is null and not exists (
                select from command n
                where n.instance_id = instance.id and n.generation > $3 and n.state <> 'canceled'
                    and exists (select from command_step s where s.command = n.id and \(CommandStore.isAgentsWord)))
            """
        let changed = try transaction.query(
            """
            update instance
            set running_version = $2, running_generation = $3, settled = $4,
                -- Told of what was there before it.
                drift = null,
                -- What was before a removal belongs to a former life.
                made_generation = case when $8 then $3::bigint + 1 else made_generation end,
                -- The state follows, and what is wanted, only where nothing newer is on its way or has been decided.
                desired_version = case when \(isNewest) then coalesce($2, desired_version) else desired_version end,
                desired = case when \(isNewest) then coalesce($4, desired) else desired end,
                state = case when \(isNewest) then $5 else state end,
                reason_code = case when \(isNewest) then null else reason_code end,
                reason = case when \(isNewest) then null else reason end,
                -- What is on its way may not reach its goal: then the instance is again what this has made of it.
                settled_state = case
                    when open_command is null then settled_state
                    when $8 then null
                    else $5 end,
                revision = revision + 1, changed_at = $6, changed_by = $7
            where id = $1 and coalesce(running_generation, 0) < $3 and state <> 'deleted'
            """,
            [
                .int64(instance), .optionalText(release?.version), .int64(command.generation),
                .optionalJSONB(try release?.json), .text(InstanceState(aim: command.goal).rawValue), .timestamp(now),
                .text(worker), .bool(command.isRemoval),
            ]
        )
        return changed.affected == 1
    }

    /// Publishes the state of instances whose rows the transaction has locked, as it stands now.
    public func publish(
        _ instances: [Int64],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let rows = try transaction.query(
            """
            select \(InstanceStatus.columns) from instance i
            cross join lateral (select * from environment where id = i.environment_id limit 1) e
            where i.id = any($1) order by i.id
            """,
            [.array(.int64s(instances))]
        )
        for row in rows { outbox.append(try InstanceStatus(row).record) }
    }

    private func announce(
        _ verb: CDEvent.ServiceVerb,
        _ command: Command,
        instance: Int64,
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
                left join version v on v.artifact = a.artifact and v.number = version_number(i.desired_version)
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
                verb,
                environment: command.key,
                service: command.subjectName,
                artifact: artifact,
                id: DerivedID.make("cdevent", command.id.uuidString).uuidString.lowercased(),
                worker: worker,
                time: now,
                trace: command.trace
            )
        )
    }
}
