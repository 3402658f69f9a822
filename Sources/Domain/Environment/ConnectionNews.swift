import Postgres
import WorkerRuntime

/// Tells the environments of a cluster whether its agent is connected.
///
/// Whether an environment is connected follows from its cluster, so those who follow agents change the cluster alone;
/// this brings it to the environments, each as a new revision.
struct ConnectionNews {
    let worker: String

    private static let duty = "news of a cluster"

    /// Tells the news of one cluster, in one transaction; returns whether an environment changed.
    func round(on connection: PostgresConnection, _ duties: RoundDuties) throws -> Bool {
        // Looked for without a lock first: most of the time there is no news.
        let cluster = try duties.attempt("connection news", on: connection) {
            try connection.query(
                "select cluster from cluster where state <> told_state and cluster <> all($1) order by cluster limit 1",
                [.array(.texts(duties.resting(Self.duty)))]
            ).first?.string(0)
        }
        guard case let cluster?? = cluster else { return false }
        return try duties.attempt(Self.duty, of: cluster, on: connection) {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                let row = try transaction.query(
                    """
                    select state from cluster where cluster = $1 and state <> told_state for no key update skip locked
                    """,
                    [.text(cluster)]
                ).first
                guard let row else { return false }
                return try tell(cluster, state: try row.string(0), in: transaction)
            }
        } ?? false
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
