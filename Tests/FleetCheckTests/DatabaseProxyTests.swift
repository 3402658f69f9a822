import Postgres
import TestSupport
import Testing

@testable import slipway_chaos

/// The network between a fleet and its database, as the run breaks it.
@Suite(.timeLimit(.minutes(2))) struct DatabaseProxyTests {
    private let database: PostgresConnection
    private let proxied: PostgresConnection
    private let proxy: DatabaseProxy

    init() throws {
        let url = try TestDatabase.make()
        let parts = url.split(separator: ":")
        let port = try #require(parts.last?.split(separator: "/").first.flatMap { Int($0) })
        proxy = try DatabaseProxy(to: port)
        database = try TestDatabase.connect(url)
        proxied = try TestDatabase.connect(url.replacing(":\(port)/", with: ":\(proxy.port)/"))
    }

    @Test func `the answer to a COMMIT is dropped, and the transaction is done all the same`() throws {
        proxy.dropAnswers(toCommits: 1)
        #expect(throws: PostgresError.self) {
            try proxied.transaction { (transaction: borrowing PostgresTransaction) in
                try transaction.query("insert into project (project, name, created_at) values ('p', 'p', now())")
            }
        }
        #expect(proxy.droppedAnswers == 1)
        #expect(try database.query("select count(*) from project").only().int64(0) == 1)
        try proxied.reconnect()
        #expect(try proxied.query("select 1").count == 1)
    }

    @Test func `a cut connection can be made again, and none while it refuses`() throws {
        proxy.cut()
        #expect(throws: PostgresError.self) { try proxied.query("select 1") }
        try proxied.reconnect()
        proxy.setRefusing(true)
        #expect(throws: PostgresError.self) { try proxied.reconnect() }
        proxy.heal()
        try proxied.reconnect()
        #expect(try proxied.query("select 1").count == 1)
    }
}
