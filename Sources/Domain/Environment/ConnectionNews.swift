import Postgres
import WorkerRuntime

/// Tells the environments of a cluster whether its agent is connected.
///
/// Whether an environment is connected follows from its cluster, so those who follow agents change the cluster alone;
/// this brings it to the environments, each as a new revision.
struct ConnectionNews {
    let worker: String

    /// Tells the news of one cluster, in one transaction; returns whether an environment changed.
    func round(on connection: PostgresConnection) throws -> Bool {
        // Looked for without a lock first: most of the time there is no news.
        let news = try connection.query("select 1 from cluster where state <> told_state limit 1")
        guard !news.isEmpty else { return false }
        return try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let row = try transaction.query(
                """
                select cluster, state from cluster where state <> told_state
                order by cluster limit 1 for no key update skip locked
                """
            ).first
            guard let row else { return false }
            return try tell(try row.string(0), state: try row.string(1), in: transaction)
        }
    }

    private func tell(_ cluster: String, state: String, in transaction: borrowing PostgresTransaction) throws -> Bool {
        try transaction.submit(
            "update cluster set told_state = $2 where cluster = $1",
            [.text(cluster), .text(state)]
        )
        let isConnected = AgentState(rawValue: state)?.isConnected ?? false
        let ids = try transaction.query(
            """
            select id from environment where cluster = $1 and state <> 'deleted' and connected <> $2
            order by id for no key update
            """,
            [.text(cluster), .bool(isConnected)]
        ).map { try $0.int64(0) }
        guard !ids.isEmpty else { return false }
        let outbox = OutboxBuffer()
        let rows = try transaction.query(
            """
            update environment set connected = $2, revision = revision + 1, changed_at = clock_timestamp(),
                changed_by = $3
            where id = any($1)
            returning \(EnvironmentStatus.columns)
            """,
            [.array(.int64s(ids)), .bool(isConnected), .text(worker)]
        )
        for row in rows { outbox.append(try EnvironmentStatus(row).record) }
        try OutboxWriter.write(outbox, in: transaction)
        return true
    }
}
