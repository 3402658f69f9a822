import Foundation

/// One step of the schema.
public struct PostgresMigration: Sendable {
    /// The name, which orders nothing but is kept in the database.
    public let name: String
    /// The statements; they run in one transaction, so `create index concurrently` is not possible.
    public let sql: String
    /// Whether programs that do not know the step go on with a database that has it ("expand and contract").
    ///
    /// A step may say so if what it brings is nothing that they must write, and takes away nothing that they read.
    public let isExpansion: Bool

    /// Makes a step; one that is no expansion ends the time of programs that do not know it.
    public init(name: String, sql: String, isExpansion: Bool = false) {
        self.name = name
        self.sql = sql
        self.isExpansion = isExpansion
    }
}

/// Brings the schema of a database to the program's: steps in order, each once and in a transaction of its own.
///
/// Several processes may migrate at the same time; an advisory lock lets one after the other in.
/// A step that finds a table in use gives up soon and is tried again: who comes after it waits no longer than it does.
public struct PostgresMigrator: Sendable {
    private struct Record {
        let name: String
        let checksum: String
        let isExpansion: Bool
    }

    private let migrations: [PostgresMigration]
    private let table: String
    private let lockTimeout: Duration

    /// Makes a migrator.
    ///
    /// - Parameters:
    ///   - migrations: All steps the program knows, oldest first. A step that was released is never changed.
    ///   - table: The table that remembers the steps, with its schema in front if it holds a dot.
    ///   - lockTimeout: How long a step may wait for a lock before it lets others pass.
    public init(
        _ migrations: [PostgresMigration],
        table: String = "schema_migration",
        lockTimeout: Duration = .seconds(2)
    ) {
        self.migrations = migrations
        self.table = table
        self.lockTimeout = lockTimeout
    }

    /// The names of the steps the database has, oldest first.
    public func applied(on connection: PostgresConnection) throws(PostgresError) -> [String] {
        try records(connection).map(\.name)
    }

    /// The names of the steps the database still lacks, in order.
    ///
    /// - Throws: ``PostgresError`` of the kind `migration` if the database's steps and the program's do not fit together.
    public func pending(on connection: PostgresConnection) throws(PostgresError) -> [String] {
        try missing(connection).map(\.name)
    }

    /// The names of the steps that the database has from a newer program, and that this one may work with all the same.
    ///
    /// - Throws: ``PostgresError`` of the kind `migration` if the database's steps and the program's do not fit together.
    public func newer(on connection: PostgresConnection) throws(PostgresError) -> [String] {
        _ = try missing(connection)
        let known = Set(migrations.map(\.name))
        return try records(connection).map(\.name).filter { !known.contains($0) }
    }

    /// Applies the missing steps; blocks while another process migrates.
    ///
    /// The session's limit on statements does not hold for the steps.
    ///
    /// - Parameter waiting: Is told, in a sentence, each time that a step has to wait for others.
    /// - Returns: The names of the steps that were applied now.
    /// - Throws: ``PostgresError`` of the kind `migration` if the database has a step that the program does not know and
    ///   that is no expansion, or one that it knows with another text, or the error of the step that failed; the steps
    ///   before it stay applied.
    @discardableResult
    public func migrate(
        _ connection: PostgresConnection,
        waiting: (String) -> Void = { _ in }
    ) throws -> [String] {
        try requireDistinctNames()
        let answerTimeout = connection.answerTimeout
        connection.answerTimeout = nil
        defer { connection.answerTimeout = answerTimeout }
        return try withLock(connection) {
            try createTable(connection)
            let missing = try missing(connection)
            for migration in missing { try apply(migration, on: connection, waiting: waiting) }
            return missing.map(\.name)
        }
    }

    // MARK: Steps

    private func apply(
        _ migration: PostgresMigration,
        on connection: PostgresConnection,
        waiting: (String) -> Void
    ) throws {
        var backoff = PostgresBackoff(minimum: lockTimeout, maximum: lockTimeout * 5)
        while true {
            do {
                return try applyOnce(migration, on: connection)
            } catch let error as PostgresError
                where error.sqlState == .lockNotAvailable || error.sqlState == .deadlockDetected
            {
                let others = try longest(connection)
                waiting("\(migration.name) waits for what others use and is tried again; \(others)")
                Thread.sleep(forTimeInterval: Double(backoff.next().wholeMilliseconds) / 1000)
            }
        }
    }

    /// Who has been in a transaction for as long as a step waits for a lock: one of them holds it.
    private func longest(_ connection: PostgresConnection) throws(PostgresError) -> String {
        let oldest = try connection.transactions(openFor: lockTimeout).prefix(3)
        guard oldest.isEmpty else {
            return "the longest transactions: " + oldest.map(\.description).joined(separator: ", ")
        }
        guard let role = try connection.roleWithoutStatistics() else { return "no transaction is long" }
        return "other roles' transactions cannot be seen without 'grant pg_read_all_stats to \(role)'"
    }

    private func applyOnce(_ migration: PostgresMigration, on connection: PostgresConnection) throws {
        try connection.transaction { transaction in
            try transaction.script(
                "set local statement_timeout = 0; set local lock_timeout = \(lockTimeout.wholeMilliseconds)"
            )
            try transaction.script(migration.sql)
            try transaction.query(
                """
                insert into \(PostgresIdentifier.quoteTable(table)) (name, checksum, is_expansion)
                values ($1, encode(sha256($2), 'hex'), $3)
                """,
                [.text(migration.name), .bytes(Array(migration.sql.utf8)), .bool(migration.isExpansion)]
            )
        }
    }

    private func missing(_ connection: PostgresConnection) throws(PostgresError) -> [PostgresMigration] {
        let records = try records(connection)
        let checksums = try checksums(connection)
        for record in records {
            guard let checksum = checksums[record.name] else {
                if record.isExpansion { continue }
                throw refusal("has the migration \(record.name), which this program does not know: use a newer version")
            }
            guard checksum == record.checksum else {
                throw refusal("has the migration \(record.name) with another text than this program")
            }
        }
        let applied = Set(records.map(\.name))
        let missing = migrations.drop { applied.contains($0.name) }
        if let later = missing.first(where: { applied.contains($0.name) }), let first = missing.first {
            throw refusal("has the migration \(later.name) but not \(first.name), which comes before it")
        }
        return Array(missing)
    }

    private func records(_ connection: PostgresConnection) throws(PostgresError) -> [Record] {
        let name = PostgresIdentifier.quoteTable(table)
        guard try connection.query("select to_regclass($1) is not null", [.text(name)]).only().bool(0) else {
            return []
        }
        // A table of the first programs has no such column until the next migration.
        let rows = try connection.query(
            """
            select name, checksum, coalesce((to_jsonb(step) ->> 'is_expansion')::boolean, false)
            from \(name) step order by position
            """
        )
        var records: [Record] = []
        for row in rows {
            records.append(
                Record(name: try row.string(0), checksum: try row.string(1), isExpansion: try row.bool(2))
            )
        }
        return records
    }

    /// The checksums of the program's steps by name, as the server computes them.
    private func checksums(_ connection: PostgresConnection) throws(PostgresError) -> [String: String] {
        let rows = try connection.query(
            "select name, encode(sha256(sql), 'hex') from unnest($1::text[], $2::bytea[]) as step (name, sql)",
            [.array(.texts(migrations.map(\.name))), .array(.byteas(migrations.map { Array($0.sql.utf8) }))]
        )
        var checksums: [String: String] = [:]
        for row in rows { checksums[try row.string(0)] = try row.string(1) }
        return checksums
    }

    private func createTable(_ connection: PostgresConnection) throws(PostgresError) {
        try connection.script(
            """
            create table if not exists \(PostgresIdentifier.quoteTable(table)) (
                position integer generated always as identity primary key,
                name text not null unique,
                checksum text not null,
                is_expansion boolean not null default false,
                applied_at timestamptz not null default now()
            )
            """
        )
        let hasColumn = try connection.query(
            "select exists (select from pg_attribute where attrelid = to_regclass($1) and attname = 'is_expansion')",
            [.text(PostgresIdentifier.quoteTable(table))]
        ).only().bool(0)
        guard !hasColumn else { return }
        try connection.script(
            "alter table \(PostgresIdentifier.quoteTable(table)) add column is_expansion boolean not null default false"
        )
    }

    /// Holds the session's advisory lock during `body`; the lock outlives the steps' transactions.
    private func withLock<R>(_ connection: PostgresConnection, _ body: () throws -> R) throws -> R {
        let key: [PostgresValue] = [.text("migrate \(table)")]
        try connection.transaction { transaction in
            try transaction.script("set local statement_timeout = 0; set local lock_timeout = 0")
            try transaction.query("select pg_advisory_lock(hashtextextended($1, 0))", key)
        }
        let result: R
        do {
            result = try body()
        } catch {
            // Ending the session frees the lock where the statement cannot.
            if (try? connection.query("select pg_advisory_unlock(hashtextextended($1, 0))", key)) == nil {
                connection.close()
            }
            throw error
        }
        try connection.query("select pg_advisory_unlock(hashtextextended($1, 0))", key)
        return result
    }

    private func requireDistinctNames() throws(PostgresError) {
        var names: Set<String> = []
        for migration in migrations where !names.insert(migration.name).inserted {
            throw PostgresError(kind: .migration, message: "the program has two migrations named \(migration.name)")
        }
    }

    private func refusal(_ reason: String) -> PostgresError {
        PostgresError(kind: .migration, message: "the database \(reason)")
    }
}
