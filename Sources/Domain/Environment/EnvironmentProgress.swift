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

    /// An environment becomes active when its namespace is there, and failed when it cannot be made.
    func commandEnded(
        _ command: Command,
        environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let isActive = command.state == .succeeded
        _ = try transaction.query(
            """
            update environment set state = $2, reason_code = $3, reason = $4, revision = revision + 1,
                changed_at = $5, changed_by = $6
            where id = $1 and state <> 'active'
            """,
            [
                .int64(environment), .text(isActive ? "active" : "failed"), .optionalText(command.reason?.code),
                .optionalText(command.reason?.sentence), .timestamp(now), .text(worker),
            ]
        )
        try publish(environment, outbox: outbox, in: transaction)
        guard isActive else { return }
        outbox.append(
            CDEvent.environmentCreated(
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
