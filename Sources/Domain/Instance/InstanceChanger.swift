import Foundation
import Postgres
import WorkerRuntime

/// Changes an instance: reads what is known under locks, lets the request decide, writes the instance and its command.
struct InstanceChanger {
    let act: RequestAct

    func change(_ request: some InstanceRequest, in transaction: borrowing PostgresTransaction) throws {
        let operation = type(of: request).operation
        let place = try act.environment(request.project, request.environment, in: transaction)
        let row = try InstanceRow.read(request.instance, in: place, transaction: transaction)
        let isForced = operation == .delete && request.force == true
        try InstanceRules.admit(operation, of: request.instance, in: place, row, isForced: isForced)
        let context = InstanceContext(
            name: request.instance,
            environment: place,
            instance: row?.state == .deleted ? nil : row,
            reader: InstanceReader(project: request.project),
            nonce: act.desk.commandID(act.input).uuidString.lowercased()
        )
        var desired = try request.next(context, in: transaction)
        if request.dryRun == true {
            let plan = try InstancePlan.make(operation, context, desired, isForced: isForced, in: transaction)
            return act.publish(plan)
        }
        var command = act.command(timeout: request.timeoutSeconds)
        command.environmentID = place.id
        command.cluster = place.cluster
        command.generation = try lastGeneration(of: request.instance, row, place, in: transaction) + 1
        if operation.isDeployment { desired?.deployment = command.id.uuidString.lowercased() }
        if let desired { command.desired = try desired.json }
        if let open = row?.open {
            try end(open, for: operation, &command, place, in: transaction)
        } else if let row, !row.isReached {
            try waitForAgent(row.id, &command, place, in: transaction)
        }
        let id = try write(desired, request.instance, place, command, in: transaction)
        command.instanceID = id
        command = try send(command, place, in: transaction)
        if operation.isDeployment, let desired {
            let before = context.instance?.base
            try DeploymentHistory.begin(command, desired, after: before, now: act.now, in: transaction)
        }
        try InstanceProgress(worker: RequestDesk.worker).publish([id], outbox: act.outbox, in: transaction)
        if isForced { try force(command, in: transaction) }
    }

    /// What the new command's generation is behind: a new life goes on where others of the name in the namespace ended.
    private func lastGeneration(
        of name: String,
        _ row: InstanceRow?,
        _ place: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64 {
        if let row, row.state != .deleted { return row.generation }
        let newest = try InstanceRow.newestGeneration(name, in: place, transaction: transaction)
        return max(newest, place.numbersBegin)
    }

    /// Ends the command on its way, which the new one includes or makes pointless, and takes it back from the agent.
    ///
    /// The agent finishes what it has begun: the new command's clock starts when that must be over.
    private func end(
        _ open: Command,
        for operation: InstanceOperation,
        _ command: inout Command,
        _ place: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws {
        if let until = open.busyUntil(now: act.now) { command.wait(until: until) }
        let present = InstanceOperation(command: open.operation) ?? .deploy
        let reason = InstanceCollapse.reason(open: present, new: operation)
        try act.end(open, by: .supersede, reason, in: place, transaction: transaction)
    }

    /// Lets the new command wait where the agent is still at one that has ended, such as by a deadline.
    private func waitForAgent(
        _ instance: Int64,
        _ command: inout Command,
        _ place: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let store = act.desk.progress.store
        let until = try store.busyUntil(.instance(instance), of: place.cluster, now: act.now, in: transaction)
        if let until { command.wait(until: until) }
    }

    private func send(
        _ command: Command,
        _ place: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws -> Command {
        let post = try act.post(to: place.cluster, in: transaction)
        let message = try InstanceMessage(
            command,
            namespace: place.namespace,
            for: post,
            keyRing: act.desk.keyRing,
            in: transaction
        )
        return try act.accept(command, sending: try message.record(by: post, now: act.now), in: transaction)
    }

    /// Lets a deletion count at once; the agent removes the objects if it comes back.
    private func force(_ command: Command, in transaction: borrowing PostgresTransaction) throws {
        let reason = Reason(
            code: DeleteInstance.notRemoved,
            sentence: "The agent of cluster '\(command.cluster ?? "")' is away: the instance is deleted here, and its "
                + "objects stay in the cluster until the agent returns and removes them."
        )
        try act.complete(command, reason, in: transaction)
    }

    private func write(
        _ desired: DesiredState?,
        _ name: String,
        _ place: EnvironmentRow,
        _ command: Command,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64 {
        try transaction.query(
            """
            insert into instance as i (environment_id, instance, application, cluster, namespace, desired_version,
                desired, generation, made_generation, state, open_command, revision, changed_at, changed_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $8, 'operating', $9, first_number(), $10, $11)
            on conflict (environment_id, instance) do update
                set application = coalesce(nullif(excluded.application, ''), i.application),
                    cluster = excluded.cluster, namespace = excluded.namespace,
                    desired_version = coalesce(nullif(excluded.desired_version, ''), i.desired_version),
                    desired = coalesce(excluded.desired, i.desired), generation = excluded.generation,
                    made_generation = case i.state when 'deleted' then excluded.generation else i.made_generation end,
                    state = 'operating', open_command = excluded.open_command, reason_code = null, reason = null,
                    drift = null,
                    -- What a former life was told last is nobody's.
                    health = case i.state when 'deleted' then 'missing' else i.health end,
                    health_reason = case i.state when 'deleted' then null else i.health_reason end,
                    pods_ready = case i.state when 'deleted' then 0 else i.pods_ready end,
                    pods_total = case i.state when 'deleted' then 0 else i.pods_total end,
                    objects = case i.state when 'deleted' then 0 else i.objects end,
                    settled_state = case i.state
                        when 'operating' then i.settled_state when 'deleted' then null else i.state end,
                    revision = i.revision + 1, changed_at = excluded.changed_at, changed_by = excluded.changed_by
            returning id
            """,
            [
                .int64(place.id), .text(name), .text(desired?.application ?? ""), .text(place.cluster),
                .text(place.namespace), .text(desired?.version ?? ""), .optionalJSONB(try desired?.json),
                .int64(command.generation), .uuid(command.id), .timestamp(act.now), .text(RequestDesk.worker),
            ]
        ).only().int64(0)
    }
}
