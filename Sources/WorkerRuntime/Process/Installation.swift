import Foundation
import Logging
public import Postgres

/// What this database is and whether this program may work with it.
public enum Installation {
    /// The shards of the outbox, fixed when the database was first migrated.
    public static let defaultOutboxShards = 8
    /// How many shards an outbox may have.
    public static let outboxShardsRange = 1...1024

    /// The numbers of this database and of the table itself, neither of which is loaded from a dump.
    private static let ownNumbers = """
        select (select d.oid::bigint from pg_database d where d.datname = current_database()),
            to_regclass('installation')::oid::bigint
        """

    /// Fills the rows that a freshly migrated database needs; changes nothing where they exist.
    public static func prepare(on connection: PostgresConnection, outboxShards: Int = defaultOutboxShards) throws {
        guard outboxShardsRange.contains(outboxShards) else {
            throw StartError(
                "The number of outbox shards is \(outboxShards); it should be from \(outboxShardsRange.lowerBound) to "
                    + "\(outboxShardsRange.upperBound)."
            )
        }
        let identity = try connection.serverIdentity()
        _ = try connection.query(
            """
            insert into installation (system_identifier, timeline, outbox_shards) values ($1, $2, $3)
            on conflict do nothing
            """,
            [.text(String(identity.systemIdentifier)), .int32(identity.timeline), .int32(Int32(outboxShards))]
        )
        _ = try connection.query(
            "update installation set (database_oid, table_oid) = (\(ownNumbers)) where table_oid is null"
        )
        _ = try connection.query(
            """
            insert into outbox_lease (shard)
            select generate_series(0, (select outbox_shards from installation) - 1)
            on conflict do nothing
            """
        )
    }

    /// The number of shards that the outbox has.
    public static func outboxShards(on connection: PostgresConnection) throws -> Int {
        guard let row = try connection.query("select outbox_shards from installation").first else {
            throw StartError("The database is migrated but not prepared: run 'slipway migrate' once more.")
        }
        return Int(try row.int32(0))
    }

    /// The number of shards that the outbox has, over a connection that may have been cut since it was made.
    static func outboxShards(reconnecting connection: PostgresConnection) throws -> Int {
        var isCut = false
        return try insisting {
            if isCut { try reconnect(connection) }
            isCut = true
            return try outboxShards(on: connection)
        }
    }

    /// Connects a lane that starts, and tries again where it is cut off: the database was there when its process started.
    static func connect(_ configuration: PostgresConfiguration, logger: Logger) throws -> PostgresConnection {
        try insisting { try PostgresConnection(configuration, logger: logger) }
    }

    /// Tries a few times, some seconds in all, what a connection that is lost keeps from its end; blocks.
    private static func insisting<R>(_ body: () throws -> R) throws -> R {
        var backoff = PostgresBackoff()
        for _ in 1...8 {
            do {
                return try body()
            } catch let error as PostgresError where error.isConnectionLost {
                Thread.sleep(forTimeInterval: backoff.next() / .seconds(1))
            }
        }
        return try body()
    }

    /// Refuses a database whose schema this program does not know, or that was restored from a back-up.
    public static func check(_ migrations: [PostgresMigration], on connection: PostgresConnection) throws {
        let pending: [String]
        do {
            pending = try PostgresMigrator(migrations).pending(on: connection)
        } catch let error where error.isConnectionLost {
            throw error
        } catch {
            throw StartError("\(error) Run the version of this fleet that the database was migrated for.")
        }
        guard pending.isEmpty else {
            throw StartError("The database lacks \(pending.joined(separator: ", ")): run 'slipway migrate' first.")
        }
        try refuseUnlessWorkedWith(connection)
    }

    /// Connects again, and refuses a database that was restored or failed over meanwhile.
    ///
    /// A standby is no such one yet: whoever waits for the primary is led to it later, or the standby becomes it.
    static func reconnect(_ connection: PostgresConnection) throws {
        try connection.reconnect()
        do {
            guard try !connection.serverIdentity().isStandby else {
                throw PostgresError(kind: .connection, message: "the server is a standby, which takes no writes")
            }
            try refuseUnlessWorkedWith(connection)
        } catch {
            // A session that was not looked at to the end is not worked with.
            connection.close()
            throw error
        }
    }

    /// Ends a session whose server took no writes, so that the next one may be with the server that does.
    static func leaveReadOnly(_ connection: PostgresConnection, after error: any Error) {
        if (error as? PostgresError)?.sqlState == .readOnlyTransaction { connection.close() }
    }

    private static func refuseUnlessWorkedWith(_ connection: PostgresConnection) throws {
        guard try !isTheOneWorkedWith(connection) else { return }
        throw StartError(
            "The database was restored or failed over since the fleet last worked with it: run 'slipway recover' first."
        )
    }

    /// Whether this is the database that the fleet worked with last: not restored, and not failed over since.
    ///
    /// The server tells what was restored as a whole, or failed over; the numbers of database and table what was loaded
    /// from a dump, also on the same server. A table that is still to be migrated has no such numbers.
    public static func isTheOneWorkedWith(_ connection: PostgresConnection) throws -> Bool {
        let identity = try connection.serverIdentity()
        let row = try connection.query(
            """
            select i.system_identifier, i.timeline,
                coalesce((to_jsonb(i) ->> 'database_oid')::bigint = own.database_oid, true)
                    and coalesce((to_jsonb(i) ->> 'table_oid')::bigint = own.table_oid, true)
            from installation i, (\(ownNumbers)) own(database_oid, table_oid)
            """
        ).first
        guard let row else {
            throw StartError("The database is migrated but not prepared: run 'slipway migrate' once more.")
        }
        return try row.string(0) == String(identity.systemIdentifier) && row.int32(1) == identity.timeline
            && row.bool(2)
    }

    /// Makes the runtime's part of a restored database usable: whoever held a claim or a lease holds it no more, and
    /// the counters of new rows begin behind the jump.
    ///
    /// - Parameters:
    ///   - identity: What the server is; from now on the one that the fleet works with.
    ///   - jump: By how much epochs rise, beyond any that was given out since the back-up.
    /// - Returns: How many claims of partitions there are.
    public static func adopt(
        _ identity: PostgresServerIdentity,
        jump: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Int {
        // Claims come first: every batch begins by locking its own, so none is half done beside what follows.
        let claims = try transaction.query(
            """
            update partition_claim c set epoch = c.epoch + $1
            from (
                select consumer_group, topic, partition from partition_claim
                order by consumer_group, topic, partition for no key update
            ) held
            where (c.consumer_group, c.topic, c.partition) = (held.consumer_group, held.topic, held.partition)
            """,
            [.int64(jump)]
        ).affected
        _ = try transaction.query(
            "update outbox_lease set epoch = epoch + $1, owner = null, lease_until = '-infinity'",
            [.int64(jump)]
        )
        _ = try transaction.query(
            """
            update installation
            set system_identifier = $1, timeline = $2, numbers_begin = numbers_begin + $3, recovered_at = clock_timestamp(),
                (database_oid, table_oid) = (\(ownNumbers))
            """,
            [.text(String(identity.systemIdentifier)), .int32(identity.timeline), .int64(jump)]
        )
        return claims
    }
}

/// Why a program does not start: one sentence that says what is wrong and what would be right.
public struct StartError: Error, Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    /// Makes an error of a sentence.
    public init(_ sentence: String) {
        description = sentence
    }
}
