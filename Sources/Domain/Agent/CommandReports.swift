import Foundation
import Logging
import Postgres
import Sealing
import WorkerRuntime

/// What agents report of commands, and what they are told again.
struct CommandReports {
    let fleetKey: FleetKey
    /// Decrypts what open commands on secrets and certificates send again.
    let keyRing: KeyRing?
    let logger: Logger
    let progress = CommandProgress(worker: AgentStatusHandler.worker)

    /// Locks the environments, then the instances, then the objects, of these commands, each in one order.
    func lock(_ commands: [UUID], in transaction: borrowing PostgresTransaction) throws {
        guard !commands.isEmpty else { return }
        let ids = PostgresValue.array(.uuids(Array(Set(commands))))
        try transaction.submit(
            """
            select id from environment where id in (select environment_id from command where id = any($1))
            order by id for no key update
            """,
            [ids]
        )
        try transaction.submit(
            """
            select id from instance
            where id = any(array(
                select instance_id from command where id = any($1)
                union
                select i.id from command c cross join lateral (
                    select id from instance where environment_id = c.environment_id offset 0
                ) i
                where c.id = any($1) and c.operation = 'environment.delete'))
            order by id for no key update
            """,
            [ids]
        )
        try transaction.submit(
            """
            select id from environment_object where id in (select object_id from command where id = any($1))
            order by id for no key update
            """,
            [ids]
        )
    }

    /// Lets a report happen to its command.
    ///
    /// A report of an unknown command, or of another generation, moves nothing; one of another cluster's is refused.
    func take(
        _ body: AgentStatusInput.Body,
        from cluster: String,
        post: AgentPost,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        guard let id = body.command, var command = try progress.store.lock([id], in: transaction)[id] else {
            return .applied
        }
        guard command.cluster == cluster else { return .deadLettered(.otherCluster) }
        switch body {
        case .hello, .heartbeat, .newer:
            break
        case .acknowledged(let report) where report.generation == command.generation:
            try acknowledged(&command, batch, in: transaction)
        case .applied(let report) where report.generation == command.generation:
            try applied(report, &command, batch, in: transaction)
        case .failed(let report) where report.generation == command.generation:
            let reason = Reason(code: report.code, sentence: String(report.message.prefix(2000)))
            if command.state.isTerminal { try progress.store.endWait(behind: command, now: batch.now, in: transaction) }
            try progress.take(.fail, &command, reason: reason, now: batch.now, outbox: batch.outbox, in: transaction)
        case .progressed(let report) where report.generation == command.generation:
            try StageReports(progress: progress).take(report, &command, batch, in: transaction)
        case .drifted(let report) where report.generation == command.generation:
            try drifted(report, command, post: post, batch, in: transaction)
        case .acknowledged, .applied, .failed, .progressed, .drifted:
            break
        }
        return .applied
    }

    /// Who says it again has the work still before him, for lack of room: its step has its time anew.
    ///
    /// Of a command that has ended the ledger has it once, however often it is said.
    private func acknowledged(
        _ command: inout Command,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        if command.state.isTerminal, try progress.store.isAcknowledgedLate(command.id, in: transaction) { return }
        let isRepeated = command.state == .acknowledged
        try progress.take(.acknowledge, &command, now: batch.now, outbox: batch.outbox, in: transaction)
        guard isRepeated else { return }
        command.extendStep(now: batch.now)
        try progress.store.update(command, now: batch.now, in: transaction)
    }

    private func applied(
        _ report: AgentApplied,
        _ command: inout Command,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let wasOpen = !command.state.isTerminal
        if wasOpen {
            let before = try command.objects.map { try WatchedObject.list(json: $0) } ?? []
            command.objects = try WatchedObject.json(WatchedObject.list(report.objects, after: before))
        }
        let moved = try progress.take(.apply, &command, now: batch.now, outbox: batch.outbox, in: transaction)
        guard wasOpen else {
            try progress.store.endWait(behind: command, now: batch.now, in: transaction)
            if let object = command.objectID {
                return try ObjectProgress(worker: AgentStatusHandler.worker).appliedLate(
                    command,
                    object: object,
                    now: batch.now,
                    outbox: batch.outbox,
                    in: transaction
                )
            }
            guard let instance = command.instanceID else {
                guard let environment = command.environmentID, command.subjectKind == "environment" else { return }
                return try EnvironmentProgress(worker: AgentStatusHandler.worker).appliedLate(
                    command,
                    environment: environment,
                    now: batch.now,
                    outbox: batch.outbox,
                    in: transaction
                )
            }
            return try InstanceProgress(worker: AgentStatusHandler.worker).appliedLate(
                command,
                instance: instance,
                now: batch.now,
                outbox: batch.outbox,
                in: transaction
            )
        }
        if !moved { try progress.store.update(command, now: batch.now, in: transaction) }
        guard let instance = command.instanceID else {
            if CertificateWatch.waits(command) { return }
            // Nothing to watch: a namespace, a network or a secret is there when the API server has taken it.
            try progress.take(.settle, &command, now: batch.now, outbox: batch.outbox, in: transaction)
            return
        }
        try WindowRefresh.run(instances: [instance], now: batch.now, in: transaction)
    }

    /// Keeps what has drifted, and sends the command once more where the environment wants it put back.
    ///
    /// What cannot be written is not noted as sent: it is tried again when the agent tells it again.
    private func drifted(
        _ report: AgentDrifted,
        _ command: Command,
        post: AgentPost,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let drift = DriftReports()
        guard let content = try drift.take(report, of: command, batch, in: transaction),
            let message = try writable(command, repairing: content, post: post, now: batch.now, in: transaction)
        else { return }
        batch.outbox.append(message)
        try drift.noteRepair(of: command, now: batch.now, in: transaction)
    }

    /// The message of a command once more, or `nil` where it cannot be written, which is logged.
    ///
    /// What is confidential may be undecryptable here, or the message too large: nothing else must wait for that.
    func writable(
        _ command: Command,
        repairing content: RepairContent? = nil,
        post: AgentPost,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> OutboxRecord? {
        do {
            return try message(of: command, repairing: content, post: post, now: now, in: transaction)
        } catch let error where error is Reason || error is CredentialsUnavailable {
            logger.error("a command cannot be sent again: \(error)", metadata: ["command": "\(command.id)"])
            return nil
        }
    }

    /// The message of a command once more: of an open one for an agent that has just said hello, of an ended one to
    /// repair what it made.
    private func message(
        of command: Command,
        repairing content: RepairContent?,
        post: AgentPost,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> OutboxRecord? {
        if command.instanceID != nil {
            guard let namespace = try namespace(of: command, in: transaction) else { return nil }
            return try InstanceMessage(command, namespace: namespace, for: post, keyRing: keyRing, in: transaction)
                .record(by: post, isRepair: content != nil, now: now)
        }
        if let object = command.objectID {
            let row = try ObjectStore(worker: AgentStatusHandler.worker).find(object, in: transaction)
            let kept = content == .running ? ObjectDispatch.Wanted(running: row) : ObjectDispatch.Wanted(row)
            guard let wanted = kept else { return nil }
            return try ObjectDispatch(keyRing: keyRing).message(
                of: command,
                wanted,
                at: .of(command, in: transaction),
                isRepair: content != nil,
                post: post,
                now: now
            )
        }
        guard let event = EnvironmentEvent(successOf: command.operation),
            let namespace = try namespace(of: command, in: transaction)
        else { return nil }
        return event == .gone
            ? post.namespaceRemovalRequested(command, namespace: namespace, now: now)
            : post.namespaceRequested(command, namespace: namespace, now: now)
    }

    private func namespace(of command: Command, in transaction: borrowing PostgresTransaction) throws -> String? {
        if let namespace = command.namespace { return namespace }
        return try transaction.query(
            "select namespace from environment where id = $1",
            [.optionalInt64(command.environmentID)]
        ).first?.string(0)
    }
}

extension Reason {
    static let otherCluster = Reason(
        code: "other_cluster",
        sentence: "The command belongs to another cluster; an agent reports on its own commands.",
        field: "command"
    )
}
