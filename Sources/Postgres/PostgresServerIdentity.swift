/// Which database cluster answers, and which branch of its history.
///
/// Another system identifier is another cluster; another timeline is the same cluster after a restore or a fail-over.
public struct PostgresServerIdentity: Sendable, Hashable {
    /// The number that `initdb` gave the cluster.
    public let systemIdentifier: Int64
    /// The number of the current branch of the write-ahead log.
    public let timeline: Int32
    /// Whether the server is a standby.
    public let isStandby: Bool
}

extension PostgresConnection {
    /// Asks the server who it is.
    ///
    /// The timeline of a primary is that of the log it writes now; `pg_control_checkpoint()` would name the old one until the
    /// first checkpoint after a fail-over, so it is asked on a standby only.
    public func serverIdentity() throws(PostgresError) -> PostgresServerIdentity {
        let row = try query(
            """
            select system_identifier,
                   case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
                        else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer end,
                   pg_is_in_recovery()
            from pg_control_system()
            """
        ).only()
        return PostgresServerIdentity(
            systemIdentifier: try row.int64(0),
            timeline: try row.int32(1),
            isStandby: try row.bool(2)
        )
    }
}
