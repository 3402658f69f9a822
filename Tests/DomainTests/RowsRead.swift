import Postgres

/// How many rows of tables a transaction has looked at.
enum RowsRead {
    static func count(of tables: [String], in transaction: borrowing PostgresTransaction) throws -> Int64 {
        try transaction.query(
            """
            select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint
            from pg_stat_xact_user_tables where relname = any($1)
            """,
            [.array(.texts(tables))]
        ).only().int64(0)
    }
}
