/// A transaction of somebody else's that has been open for long.
public struct PostgresLongTransaction: Sendable, Hashable {
    /// What the session calls itself, or whose it is.
    public let name: String
    /// The process of the server that serves it.
    public let pid: Int32
    /// For how many seconds it has been open; `nil` where the server does not tell this session's role.
    public let seconds: Int64?
    /// Whether it sees the database as it was, so that no version of a row may be removed that died since; a vacuum does,
    /// and keeps nothing.
    public let keepsVersions: Bool
}

extension PostgresConnection {
    /// The transactions in this database that have been open for longer than that, the oldest first; its own is none.
    ///
    /// Behind them come those of which the server does not tell this role since when they are open, as far as it tells of
    /// them at all; see ``roleWithoutStatistics()``.
    public func transactions(openFor duration: Duration) throws(PostgresError) -> [PostgresLongTransaction] {
        let rows = try query(
            """
            select coalesce(nullif(application_name, ''), usename, backend_type, 'the server'), pid,
                extract(epoch from clock_timestamp() - xact_start)::bigint,
                (backend_xmin is not null or backend_xid is not null) and usesysid is not null
                    and coalesce(query, '') !~* '^[[:space:]]*vacuum'
            from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
                and (xact_start < clock_timestamp() - $1 * interval '1 millisecond'
                    or xact_start is null and (backend_xmin is not null or backend_xid is not null))
            order by xact_start nulls last, pid
            """,
            [.int64(duration.wholeMilliseconds)]
        )
        var transactions: [PostgresLongTransaction] = []
        for row in rows {
            transactions.append(
                PostgresLongTransaction(
                    name: try row.string(0),
                    pid: try row.int32(1),
                    seconds: try row.optionalInt64(2),
                    keepsVersions: try row.bool(3)
                )
            )
        }
        return transactions
    }

    /// The role of this session, quoted, where the server does not tell it of other roles' transactions.
    public func roleWithoutStatistics() throws(PostgresError) -> String? {
        try query(
            """
            select quote_ident(current_user) where not pg_has_role(current_user, 'pg_read_all_stats', 'usage')
            """
        ).first?.string(0)
    }
}

extension PostgresLongTransaction: CustomStringConvertible {
    /// Such as `pg_dump (pid 4711) for 600 s`.
    public var description: String { "\(name) (pid \(pid)) for \(seconds.map { "\($0) s" } ?? "an unknown time")" }
}
