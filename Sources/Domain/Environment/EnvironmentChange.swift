import Foundation
import Postgres
import WorkerRuntime

/// Changes of environments' rows: each is a new revision, which is published.
extension RequestAct {
    /// Writes columns of one environment, whose row is locked, and publishes it.
    ///
    /// - Parameters:
    ///   - columns: What to set, with `$4` for the first of the values.
    ///   - revision: The least that the new revision is to be.
    func change(
        _ environment: Int64,
        _ columns: String,
        _ values: [PostgresValue],
        revision: Int64 = 0,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            """
            update environment set \(columns), revision = greatest(revision + 1, $\(values.count + 4)::bigint),
                changed_at = $2, changed_by = $3
            where id = $1
            """,
            [.int64(environment), .timestamp(now), .text(RequestDesk.worker)] + values + [.int64(revision)]
        )
        try publish([environment], in: transaction)
    }

    /// Publishes environments whose rows are locked.
    func publish(_ environments: [Int64], in transaction: borrowing PostgresTransaction) throws {
        let progress = EnvironmentProgress(worker: RequestDesk.worker)
        for id in environments { try progress.publish(id, outbox: outbox, in: transaction) }
    }

    /// Accepts a command on an environment that is done with the writing, and tells others of the change.
    func succeedAtOnce(on environment: EnvironmentRow, in transaction: borrowing PostgresTransaction) throws {
        var command = command()
        command.environmentID = environment.id
        try succeedAtOnce(command, in: transaction)
        // An older worker does not say that it has made one.
        let wasMade = try transaction.query(
            "select was_made or state in ('active', 'disabled') from environment where id = $1",
            [.int64(environment.id)]
        ).only().optionalBool(0)
        guard EnvironmentAnnouncement(wasMade: wasMade).isKnown else { return }
        outbox.append(
            CDEvent.environment(
                .modified,
                environment.key,
                id: DerivedID.make("cdevent", command.id.uuidString).uuidString.lowercased(),
                worker: RequestDesk.worker,
                time: now
            )
        )
    }

    /// The commands of an environment that have not ended, locked in the order of their ids.
    func openCommands(in environment: Int64, _ transaction: borrowing PostgresTransaction) throws -> [Command] {
        let ids = try transaction.query(
            """
            select id from command
            where environment_id = $1 and state in ('accepted', 'sent', 'acknowledged', 'applied')
            order by id
            """,
            [.int64(environment)]
        ).map { try $0.uuid(0) }
        let open = try desk.progress.store.lock(ids, in: transaction)
        return ids.compactMap { open[$0] }.filter { !$0.state.isTerminal }
    }
}
