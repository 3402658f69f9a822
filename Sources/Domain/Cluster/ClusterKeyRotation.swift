public import Postgres
import WorkerRuntime

/// Rotates the keys of clusters: the next number becomes valid, the one before stays so until it is retired.
///
/// Workers read the numbers with every batch, so a change counts at once and nothing is started anew but the agent.
public enum ClusterKeyRotation {
    /// Makes the next number valid beside the present one.
    ///
    /// - Parameters:
    ///   - keep: How long the present one stays valid; `nil` until it is retired.
    ///   - entry: The line of the audit log that is written with it.
    /// - Returns: The numbers that are valid now.
    /// - Throws: `Reason` where the cluster is unknown or a rotation is open, or a `PostgresError`.
    public static func rotate(
        _ cluster: String,
        keep: Duration?,
        audit entry: AuditEntry? = nil,
        on connection: PostgresConnection
    ) throws -> ClusterKeys {
        try change(cluster, entry, on: connection) { keys, now throws(Reason) in
            let until = keep.map { now + $0.components.seconds * 1_000_000 }
            return try keys.rotated(until: until, cluster: cluster, now: now)
        }
    }

    /// Ends the validity of the number before the present one.
    ///
    /// - Parameters:
    ///   - isForced: Whether to do so although the agent uses it.
    ///   - entry: The line of the audit log that is written with it.
    /// - Returns: The numbers that are valid now.
    /// - Throws: `Reason` where there is nothing to retire or the agent uses it, or a `PostgresError`.
    public static func retire(
        _ cluster: String,
        isForced: Bool,
        audit entry: AuditEntry? = nil,
        on connection: PostgresConnection
    ) throws -> ClusterKeys {
        try change(cluster, entry, on: connection) { keys, _ throws(Reason) in
            try keys.retired(cluster: cluster, isForced: isForced)
        }
    }

    /// The numbers of every cluster, by name.
    public static func all(on connection: PostgresConnection) throws -> [(cluster: String, keys: ClusterKeys)] {
        try connection.query(
            "select cluster, \(ClusterKeys.columns) from cluster where deleted_at is null order by cluster"
        ).map {
            (try $0.string(0), try ClusterKeys($0, from: 1))
        }
    }

    private static func change(
        _ cluster: String,
        _ entry: AuditEntry?,
        on connection: PostgresConnection,
        _ decide: (ClusterKeys, Int64) throws(Reason) -> ClusterKeys
    ) throws -> ClusterKeys {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let row = try transaction.query(
                """
                select clock_timestamp(), \(ClusterKeys.columns) from cluster
                where cluster = $1 and deleted_at is null for no key update
                """,
                [.text(cluster)]
            ).first
            guard let row else { throw Reason.unknown("cluster", cluster) }
            let keys = try decide(try ClusterKeys(row, from: 1), try row.timestamp(0))
            try transaction.submit(
                "update cluster set key_id = $2, previous_key_id = $3, previous_key_until = $4 where cluster = $1",
                [
                    .text(cluster), .int32(keys.current), .optionalInt32(keys.previous),
                    .optionalTimestamp(keys.previousUntil),
                ]
            )
            if let entry { try AuditLog.write([entry], in: transaction) }
            return keys
        }
    }
}
