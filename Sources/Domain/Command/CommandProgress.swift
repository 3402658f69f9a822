import Foundation
public import Postgres
public import WorkerRuntime

/// Moves commands in a transaction: the row, the ledger and the result together, and what follows for the instance.
///
/// Every transition of every worker goes through here, the timekeeper's too. The caller has locked the environment's
/// row (it is the key of the results) and the instance's.
public struct CommandProgress {
    /// The program that moves them.
    public let worker: String
    let store: CommandStore

    /// Makes it for one program.
    public init(worker: String) {
        self.worker = worker
        store = CommandStore(worker: worker)
    }

    /// Accepts a new command: writes it as accepted and sent, and publishes both steps.
    public func accept(
        _ command: Command,
        sending message: OutboxRecord?,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws -> Command {
        var command = command
        command.revision = 1
        command.stepDeadline = min(now + Int64(command.timers.acknowledge) * 1_000_000, command.deadline)
        var steps = [LedgerStep(revision: 1, state: .accepted, isLate: false, reason: nil)]
        if let message {
            if let step = command.take(.send, now: now) { steps.append(step) }
            outbox.append(message)
        }
        let begin = try store.insert(command, now: now, in: transaction)
        command.revision += begin
        for index in steps.indices { steps[index].revision += begin }
        try publish(steps, of: command, now: now, outbox: outbox, in: transaction)
        return command
    }

    /// Lets an event happen to a command; returns whether it moved.
    @discardableResult
    public func take(
        _ event: CommandEvent,
        _ command: inout Command,
        reason: Reason? = nil,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        guard let step = command.take(event, reason: reason, now: now) else { return false }
        try store.update(command, now: now, in: transaction)
        if step.isLate {
            try store.append([step], of: command, now: now, in: transaction)
            return false
        }
        try publish([step], of: command, now: now, outbox: outbox, in: transaction)
        if command.state.isTerminal {
            try AuditLog.write([AuditEntry(command, decidedBy: worker)], in: transaction)
            try finish(command, now: now, outbox: outbox, in: transaction)
        }
        return true
    }

    private func publish(
        _ steps: [LedgerStep],
        of command: Command,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try store.append(steps, of: command, now: now, in: transaction)
        for step in steps {
            outbox.append(CommandResult.record(of: command, step, worker: worker, now: now))
        }
    }

    /// What the end of a command means for its instance, object or environment.
    private func finish(
        _ command: Command,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        if command.requestSource == AutoDeployStore.source {
            try AutoDeployStore.note(command.state.rawValue, of: command.id, command.reason, in: transaction)
        }
        if let instance = command.instanceID {
            try InstanceProgress(worker: worker).commandEnded(
                command,
                instance: instance,
                now: now,
                outbox: outbox,
                in: transaction
            )
        } else if let object = command.objectID {
            try ObjectProgress(worker: worker).commandEnded(
                command,
                object: object,
                now: now,
                outbox: outbox,
                in: transaction
            )
        } else if command.subjectKind == "environment", let environment = command.environmentID {
            try EnvironmentProgress(worker: worker).commandEnded(
                command,
                environment: environment,
                now: now,
                outbox: outbox,
                in: transaction
            )
        }
    }
}
