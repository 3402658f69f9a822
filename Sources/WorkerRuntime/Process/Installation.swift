public import Postgres

/// What this database is and whether this program may work with it.
public enum Installation {
    /// The shards of the outbox, fixed when the database was first migrated.
    public static let defaultOutboxShards = 8

    /// Fills the rows that a freshly migrated database needs; changes nothing where they exist.
    public static func prepare(on connection: PostgresConnection, outboxShards: Int = defaultOutboxShards) throws {
        let identity = try connection.serverIdentity()
        _ = try connection.query(
            """
            insert into installation (system_identifier, timeline, outbox_shards) values ($1, $2, $3)
            on conflict do nothing
            """,
            [.text(String(identity.systemIdentifier)), .int32(identity.timeline), .int32(Int32(outboxShards))]
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
        let identity = try connection.serverIdentity()
        guard let row = try connection.query("select system_identifier, timeline from installation").first else {
            throw StartError("The database is migrated but not prepared: run 'slipway migrate' once more.")
        }
        guard try row.string(0) == String(identity.systemIdentifier), try row.int32(1) == identity.timeline else {
            throw StartError(
                "The database was restored or failed over since the fleet last worked with it: run 'slipway recover' first."
            )
        }
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
