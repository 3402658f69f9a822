import Foundation
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// A database is prepared with what workers can work with, or not at all.
@Suite struct InstallationTests {
    private let connection: PostgresConnection

    init() throws {
        connection = try TestDatabase.connect(try TestDatabase.make())
        try connection.script("delete from outbox_lease; delete from installation")
    }

    @Test(arguments: [Int.min, -1, 0, 1025, Int.max])
    func `a number of outbox shards that cannot be is refused and not stored`(number: Int) throws {
        let error = #expect(throws: StartError.self) {
            try Installation.prepare(on: connection, outboxShards: number)
        }
        #expect(error?.description == "The number of outbox shards is \(number); it should be from 1 to 1024.")
        #expect(try connection.query("select 1 from installation").isEmpty)
        #expect(try connection.query("select 1 from outbox_lease").isEmpty)
    }

    @Test(arguments: [1, 1024])
    func `each outbox shard has a lease`(number: Int) throws {
        try Installation.prepare(on: connection, outboxShards: number)
        #expect(try Installation.outboxShards(on: connection) == number)
        #expect(try connection.query("select 1 from outbox_lease").count == number)
    }

    @Test func `rows that were loaded from a dump are told from those that the fleet worked with`() throws {
        try Installation.prepare(on: connection)
        #expect(try Installation.isTheOneWorkedWith(connection))
        // What a dump brings back: the same rows in a table that was made for them.
        try connection.script(
            """
            alter table installation rename to dumped;
            create table installation (like dumped including all);
            insert into installation select * from dumped;
            drop table dumped
            """
        )
        #expect(try !Installation.isTheOneWorkedWith(connection))
        try Installation.prepare(on: connection)
        #expect(try !Installation.isTheOneWorkedWith(connection), "to migrate it is not to recover it")
        try adopt()
        #expect(try Installation.isTheOneWorkedWith(connection))

        try connection.script("update installation set database_oid = database_oid + 1")
        #expect(try !Installation.isTheOneWorkedWith(connection), "a database that was copied as a whole")
        try adopt()
        #expect(try Installation.isTheOneWorkedWith(connection))
    }

    @Test func `a database that nobody has given its numbers yet is the fleet's, and gets them`() throws {
        try Installation.prepare(on: connection)
        try connection.script("update installation set database_oid = null, table_oid = null")
        #expect(try Installation.isTheOneWorkedWith(connection))
        try Installation.prepare(on: connection)
        #expect(try connection.query("select table_oid is not null from installation").only().bool(0))
        try connection.script("alter table installation drop column database_oid, drop column table_oid")
        #expect(try Installation.isTheOneWorkedWith(connection), "one that is still to be migrated")
    }

    @Test func `a standby is waited for, and one that was promoted is refused`() throws {
        let folder = NSTemporaryDirectory() + "slipway-standby-\(UUID().uuidString)"
        let server = try PostgresServer(folder: folder, durable: false, isTemporary: true)
        let connection = try PostgresConnection(PostgresConfiguration(url: try server.createDatabase("fleet")))
        _ = try PostgresMigrator(runtimeMigrations).migrate(connection)
        try Installation.prepare(on: connection)
        try Installation.reconnect(connection)
        try server.restartAsStandby()
        let error = #expect(throws: PostgresError.self) { try Installation.reconnect(connection) }
        #expect(error?.isTransient == true)
        #expect(!connection.isUsable, "nobody works with it")
        try PostgresConnection(PostgresConfiguration(url: server.url)).query("select pg_promote()")
        #expect(throws: StartError.self) { try Installation.reconnect(connection) }
        #expect(!connection.isUsable)
    }

    private func adopt() throws {
        let identity = try connection.serverIdentity()
        _ = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try Installation.adopt(identity, jump: 1, in: transaction)
        }
    }
}
