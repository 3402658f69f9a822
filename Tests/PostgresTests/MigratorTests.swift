import Postgres
import Synchronization
import Testing

@Suite struct MigratorTests {
    let configuration: PostgresConfiguration
    let connection: PostgresConnection
    let steps = [
        PostgresMigration(name: "1_item", sql: "create table item (id bigint primary key)"),
        PostgresMigration(name: "2_name", sql: "alter table item add column name text; create index on item (name)"),
        PostgresMigration(name: "3_note", sql: "alter table item add column note text"),
    ]

    init() throws {
        configuration = try TestDatabase.make()
        connection = try PostgresConnection(configuration)
    }

    @Test func `steps run in order and once`() throws {
        let migrator = PostgresMigrator(steps)
        #expect(try migrator.applied(on: connection).isEmpty)
        #expect(try migrator.pending(on: connection) == ["1_item", "2_name", "3_note"])
        #expect(try PostgresMigrator(Array(steps.prefix(2))).migrate(connection) == ["1_item", "2_name"])
        #expect(try migrator.pending(on: connection) == ["3_note"])
        #expect(try migrator.migrate(connection) == ["3_note"])
        #expect(try migrator.migrate(connection).isEmpty)
        #expect(try migrator.applied(on: connection) == ["1_item", "2_name", "3_note"])
        try connection.query("insert into item values (1, 'a', 'b')")
    }

    @Test func `a step that fails leaves the ones before it`() throws {
        let broken = PostgresMigration(name: "2_broken", sql: "create table other (id int); select 1 / 0")
        let migrator = PostgresMigrator([steps[0], broken])
        #expect(throws: PostgresError.self) { try migrator.migrate(connection) }
        #expect(try migrator.applied(on: connection) == ["1_item"])
        #expect(try connection.query("select to_regclass('other') is null").only().bool(0))
        // The lock is free again.
        #expect(try PostgresMigrator(steps).migrate(PostgresConnection(configuration)) == ["2_name", "3_note"])
    }

    @Test func `two at the same time apply each step once`() throws {
        // The last step of the first waits for this session, and the second for the first.
        let last = PostgresMigration(name: "4_last", sql: "select pg_advisory_xact_lock(4)")
        let migrator = PostgresMigrator(steps + [last])
        try connection.query("select pg_advisory_lock(4)")
        let configuration = configuration
        let runs = (0..<2).map { _ in Background { try migrator.migrate(PostgresConnection(configuration)).count } }
        let waiting = """
            select count(*) from pg_locks where locktype = 'advisory' and not granted
                and database = (select oid from pg_database where datname = current_database())
            """
        try eventually { try connection.query(waiting).only().int64(0) == 2 }
        try connection.query("select pg_advisory_unlock(4)")
        let counts = try runs.map { try $0.value() }
        #expect(counts.sorted() == [0, 4])
    }

    @Test func `a step whose table is in use lets others pass, says so, and comes when it is free`() throws {
        final class Said: Sendable {
            let sentences = Mutex<[String]>([])
        }
        try PostgresMigrator([steps[0]]).migrate(connection)
        var reading = configuration
        reading.applicationName = "report"
        let reader = try PostgresConnection(reading)
        let (said, database) = (Said(), configuration)
        let migrator = PostgresMigrator(steps, lockTimeout: .milliseconds(50))
        let run = try reader.transaction { transaction in
            try transaction.query("select from item")
            let run = Background {
                try migrator.migrate(PostgresConnection(database)) { sentence in
                    said.sentences.withLock { $0.append(sentence) }
                }
            }
            try eventually { said.sentences.withLock { $0.count } >= 2 }
            try connection.query("insert into item values (1)")
            return run
        }
        #expect(try run.value() == ["2_name", "3_note"])
        let sentence = said.sentences.withLock { $0.first } ?? ""
        #expect(sentence.hasPrefix("2_name waits") && sentence.contains("report (pid \(reader.backendPID))"))
    }

    @Test func `a step with another text is refused`() throws {
        try PostgresMigrator(steps).migrate(connection)
        var changed = steps
        changed[1] = PostgresMigration(name: "2_name", sql: "select 1")
        let error = try postgresError { try PostgresMigrator(changed).migrate(connection) }
        #expect(error?.kind == .migration)
        #expect(error?.message == "the database has the migration 2_name with another text than this program")
    }

    @Test func `a step the program does not know is refused`() throws {
        try PostgresMigrator(steps).migrate(connection)
        let error = try postgresError { _ = try PostgresMigrator([steps[0], steps[1]]).pending(on: connection) }
        #expect(error?.kind == .migration)
        #expect(error?.message.contains("3_note") == true)
    }

    @Test func `a database that the first programs have migrated is migrated further`() throws {
        try PostgresMigrator(Array(steps.prefix(2))).migrate(connection)
        try connection.script("alter table schema_migration drop column is_expansion")
        let migrator = PostgresMigrator(steps)
        #expect(try migrator.pending(on: connection) == ["3_note"])
        #expect(try migrator.newer(on: connection) == [])
        #expect(try migrator.migrate(connection) == ["3_note"])
        try connection.query("insert into schema_migration (name, checksum) values ('4_old', 'as they write it')")
        #expect(try postgresError { _ = try migrator.pending(on: connection) }?.message.contains("4_old") == true)
    }

    @Test func `a program goes on with expansions that it does not know, until a newer one contracts`() throws {
        let expansion = PostgresMigration(name: "3_note", sql: steps[2].sql, isExpansion: true)
        let contraction = PostgresMigration(name: "4_less", sql: "alter table item drop column name")
        let old = PostgresMigrator(Array(steps.prefix(2)))
        let new = PostgresMigrator(steps.prefix(2) + [expansion])
        try new.migrate(connection)
        #expect(try old.pending(on: connection) == [])
        #expect(try old.migrate(connection) == [])
        #expect(try old.newer(on: connection) == ["3_note"])
        #expect(try new.newer(on: connection) == [])
        try PostgresMigrator(steps.prefix(2) + [expansion, contraction]).migrate(connection)
        let error = try postgresError { _ = try old.pending(on: connection) }
        #expect(error?.message.contains("has the migration 4_less, which this program does not know") == true)
        #expect(try postgresError { _ = try new.newer(on: connection) }?.kind == .migration)
    }

    @Test func `a step put before applied ones and two of one name are refused`() throws {
        try PostgresMigrator([steps[0]]).migrate(connection)
        let early = PostgresMigration(name: "0_early", sql: "select 1")
        #expect(try postgresError { try PostgresMigrator([early] + steps).migrate(connection) }?.kind == .migration)
        #expect(
            try postgresError { try PostgresMigrator([steps[0], steps[0]]).migrate(connection) }?.kind == .migration
        )
    }

    @Test func `two programs keep their steps in tables of their own`() throws {
        try PostgresMigrator(steps, table: "public.first").migrate(connection)
        let other = PostgresMigration(name: "1_other", sql: "create table other (id int)")
        #expect(try PostgresMigrator([other], table: "second").migrate(connection) == ["1_other"])
    }
}
