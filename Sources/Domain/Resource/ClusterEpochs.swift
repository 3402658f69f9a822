import Postgres

/// What the resource worker needs to know of clusters.
struct ClusterEpochs {
    /// A cluster's present epoch and the keys that are valid.
    struct Row: Sendable {
        let epoch: Int64
        let keys: ClusterKeys
        /// What the revisions of new objects begin behind; the same for all clusters.
        let numbersBegin: Int64
    }

    /// Reads clusters without locking them: a hello that is handled at the same time makes the facts of the epoch
    /// before it merely the last of that epoch.
    ///
    /// One that was deleted is unknown, whatever its agent goes on to tell.
    func submitRead(
        _ names: [String],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> PostgresSubmission {
        try transaction.submit(
            """
            select cluster, epoch, numbers_begin(), \(ClusterKeys.columns) from cluster
            where cluster = any($1::text[]) and deleted_at is null
            """,
            [.array(.texts(names))]
        )
    }

    /// The clusters that a submitted statement read.
    func rows(
        of submission: PostgresSubmission,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [String: Row] {
        let rows = try transaction.result(of: submission)
        var clusters: [String: Row] = [:]
        for row in rows {
            clusters[try row.string(0)] = Row(
                epoch: try row.int64(1),
                keys: try ClusterKeys(row, from: 3),
                numbersBegin: try row.int64(2)
            )
        }
        return clusters
    }

    /// Locks clusters in the order of their names, for records whose key they are.
    func lock(_ names: [String], in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        try transaction.submit(
            "select 1 from cluster where cluster = any($1::text[]) order by cluster for no key update",
            [.array(.texts(names))]
        )
    }
}
