import Postgres
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
        let slow = PostgresMigration(name: "4_slow", sql: "select pg_sleep(0.2)")
        let migrator = PostgresMigrator(steps + [slow])
        let configuration = configuration
        let runs = (0..<2).map { _ in Background { try migrator.migrate(PostgresConnection(configuration)).count } }
        let counts = try runs.map { try $0.value() }
        #expect(counts.sorted() == [0, 4])
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
