import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// Workers before producers: what is newer is written only when all that live understand it.
@Suite struct FleetVersionTests {
    private let connection: PostgresConnection

    init() throws {
        connection = try TestDatabase.connect(try TestDatabase.make())
    }

    private func allows(_ feature: Int32) throws -> Bool {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try FleetVersion.allows(feature, in: transaction)
        }
    }

    private func presence(_ version: Int32, _ name: String = "timekeeper") -> WorkerPresence {
        WorkerPresence(name: name, instance: nil, version: version)
    }

    @Test func `a feature may be used when every living worker understands it`() throws {
        #expect(try allows(FleetVersion.own), "nobody else is there")
        #expect(try !allows(FleetVersion.own + 1))
        let (old, new) = (presence(1), presence(2))
        try new.renew(on: connection)
        #expect(try allows(2))
        try old.renew(on: connection)
        #expect(try !allows(2))
        #expect(try allows(1))
        try old.end(on: connection)
        #expect(try allows(2))
    }

    @Test func `a worker that was not seen for half a minute counts no more, until it is seen again`() throws {
        let (old, new) = (presence(1), presence(2))
        try old.renew(on: connection)
        try new.renew(on: connection)
        try connection.script("update worker set seen_at = seen_at - interval '31 seconds' where version = 1")
        #expect(try allows(2))
        try old.renew(on: connection)
        #expect(try !allows(2))
        #expect(try connection.query("select 1 from worker").count == 2)
    }

    @Test func `workers that have long been gone are forgotten`() throws {
        try presence(1).renew(on: connection)
        try connection.script("update worker set seen_at = seen_at - interval '2 days'")
        try presence(1, "outbox-relay").renew(on: connection)
        try RuntimeRetention().round(on: connection)
        #expect(try connection.query("select name from worker").only().string(0) == "outbox-relay")
    }
}
