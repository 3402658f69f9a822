import Postgres
import TestSupport
import Testing
import WorkerRuntime

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
}
