import Foundation
public import Postgres
public import WorkerRuntime

/// What the end of a command means for its environment, and what is published of an environment.
public struct EnvironmentProgress {
    /// The program that writes.
    public let worker: String

    /// Makes it for one program.
    public init(worker: String) {
        self.worker = worker
    }

    /// Lets the end of a command happen to its environment: it becomes active, or failed, or is gone.
    func commandEnded(
        _ command: Command,
        environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let event = EnvironmentEvent(endOf: command) else { return }
        try take(event, command, environment: environment, now: now, outbox: outbox, in: transaction)
    }

    /// Lets the agent's late word happen: the command stays ended, but what the cluster has is what counts.
    ///
    /// The word of a command that was overtaken says nothing about what is there now.
    func appliedLate(
        _ command: Command,
        environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let event = EnvironmentEvent(successOf: command.operation) else { return }
        guard try !isOvertaken(command, of: environment, event, in: transaction) else { return }
        try take(event, command, environment: environment, now: now, outbox: outbox, in: transaction)
    }

    /// Whether a newer command of the environment decides what is there, or will.
    ///
    /// One that is on its way does. Of those that have ended, a deletion is overtaken by what made the namespace again; what
    /// made a namespace by whatever the agent took since, and by what is about another namespace.
    private func isOvertaken(
        _ command: Command,
        of environment: Int64,
        _ event: EnvironmentEvent,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        try !transaction.query(
            """
            select 1 from command n
            where n.environment_id = $1 and n.subject_kind = 'environment' and n.generation > $2
                and (n.state in ('accepted', 'sent', 'acknowledged', 'applied')
                    or case when $3 then n.operation <> '\(DeleteEnvironment.name)'
                        else coalesce(n.cluster <> $4 or n.desired ->> 'namespace' <> $5, true)
                            or exists (
                                select from command_step s where s.command = n.id and \(CommandStore.isAgentsWord))
                        end)
            limit 1
            """,
            [
                .int64(environment), .int64(command.generation), .bool(event == .gone),
                .optionalText(command.cluster), .optionalText(command.namespace),
            ]
        ).isEmpty
    }

    private func take(
        _ event: EnvironmentEvent,
        _ command: Command,
        environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let row = try transaction.query(
            "select state, was_made from environment where id = $1",
            [.int64(environment)]
        ).only()
        let state = EnvironmentState(rawValue: try row.string(0)) ?? .failed
        let next: EnvironmentState
        switch state.step(event) {
        case .moves(let state): next = state
        case .stays: next = state
        case .ignored, .refused: return
        }
        if next == .deleted {
            let removal = EnvironmentRemoval(worker: worker, command: command, now: now, outbox: outbox)
            return try removal.complete(environment, in: transaction)
        }
        let reason = event == .made ? nil : command.reason
        try transaction.submit(
            """
            update environment set state = $2, reason_code = $3, reason = $4, revision = revision + 1,
                changed_at = $5, changed_by = $6,
                was_made = was_made or $7
            where id = $1
            """,
            [
                .int64(environment), .text(next.rawValue), .optionalText(reason?.code),
                .optionalText(reason?.sentence), .timestamp(now), .text(worker), .bool(event == .made),
            ]
        )
        try publish(environment, outbox: outbox, in: transaction)
        guard event == .made else { return }
        let announcement = EnvironmentAnnouncement(wasMade: try row.optionalBool(1))
        outbox.append(
            CDEvent.environment(
                announcement.made(by: command.operation),
                command.key,
                id: DerivedID.make("cdevent", command.id.uuidString).uuidString.lowercased(),
                worker: worker,
                time: now
            )
        )
    }

    /// Publishes the state of an environment whose row the transaction has locked.
    public func publish(
        _ environment: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let row = try transaction.query(
            "select \(EnvironmentStatus.columns) from environment where id = $1",
            [.int64(environment)]
        ).only()
        outbox.append(try EnvironmentStatus(row).record)
    }
}

extension EnvironmentEvent {
    /// What the success of an operation is for its environment; `nil` where it is nothing.
    init?(successOf operation: String) {
        switch operation {
        case CreateEnvironment.name, ConnectEnvironment.name: self = .made
        case DeleteEnvironment.name: self = .gone
        default: return nil
        }
    }

    /// What the end of a command is for its environment.
    ///
    /// Who cancels or supersedes a command says himself what becomes of the environment.
    init?(endOf command: Command) {
        guard let success = EnvironmentEvent(successOf: command.operation) else { return nil }
        switch command.state {
        case .succeeded: self = success
        case .failed, .timedOut: self = success == .made ? .notMade : .notGone
        default: return nil
        }
    }
}
