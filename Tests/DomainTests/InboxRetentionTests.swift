import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// The inbox forgets what no lane would take any more, in chunks, and nothing is done twice for it.
@Suite struct InboxRetentionTests {
    private func remember(_ count: Int, daysAgo: Int, on connection: PostgresConnection) throws {
        try connection.query(
            """
            insert into inbox (id, digest, seen_at)
            select gen_random_uuid(), ''::bytea, now() - $2 * interval '1 day' from generate_series(1, $1)
            """,
            [.int32(Int32(count)), .int32(Int32(daysAgo))]
        )
    }

    private func count(_ connection: PostgresConnection) throws -> Int64 {
        try connection.query("select count(*) from inbox").only().int64(0)
    }

    @Test func `what a lane may read comes before what may have waited, and both before what is forgotten`() {
        #expect(InboxReach.read < InboxReach.parked)
        #expect(InboxReach.parked < InboxReach.kept)
    }

    @Test func `old rows go in chunks, young ones and those within the margin stay`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        try remember(12, daysAgo: 18, on: connection)
        try remember(3, daysAgo: 16, on: connection)
        try remember(4, daysAgo: 1, on: connection)
        let retention = RuntimeRetention(chunk: 5, interval: .zero)
        #expect(try (1...4).map { _ in try retention.round(on: connection) } == [5, 5, 2, 0])
        #expect(try count(connection) == 7)
        let oldest = try connection.query("select extract(day from now() - min(seen_at))::int from inbox").only()
        #expect(try oldest.int32(0) == 16)
    }

    @Test func `a round that found little is followed by a pause`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        let retention = RuntimeRetention(chunk: 5, interval: .seconds(3600))
        try remember(7, daysAgo: 18, on: connection)
        #expect(try retention.round(on: connection) == 5)
        #expect(try retention.round(on: connection) == 2)
        try remember(1, daysAgo: 18, on: connection)
        #expect(try retention.round(on: connection) == 0)
        #expect(try count(connection) == 1)
    }

    @Test func `rows that another process is about to delete are left to it`() throws {
        let url = try TestDatabase.make()
        let connection = try TestDatabase.connect(url)
        let other = try TestDatabase.connect(url)
        try remember(6, daysAgo: 18, on: connection)
        try other.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try transaction.query("select 1 from (select id from inbox limit 4 for update) taken")
            #expect(try RuntimeRetention(interval: .zero).round(on: connection) == 2)
        }
        #expect(try RuntimeRetention(interval: .zero).round(on: connection) == 4)
    }

    @Test func `relays that are gone are forgotten`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        try connection.script(
            "insert into outbox_relay (owner, seen_at) values ('gone', now() - interval '2 days'), ('here', now())"
        )
        try RuntimeRetention().round(on: connection)
        #expect(try connection.query("select owner from outbox_relay").map { try $0.string(0) } == ["here"])
    }

    @Test func `a request that was forgotten is refused as too old, not done again`() throws {
        let world = try CommandWorld()
        let body = #"{"project":"shop"}"#
        let sent = CommandWorld.milliseconds() - 20 * 86_400_000
        try world.handle([world.message("project.create", key: "shop", body, id: "1", as: "root")])
        #expect(try world.text("select count(*) from command") == "1")
        try world.connection.script(
            "update inbox set seen_at = now() - interval '20 days'; delete from project_member; delete from project"
        )
        #expect(try RuntimeRetention().round(on: world.connection) == 1)
        _ = try world.published()
        let again = try world.handle([
            world.message("project.create", key: "shop", body, id: "1", as: "root", brokerTime: sent)
        ])
        guard case .rejected(let reason) = again.first else {
            Issue.record("it was done again: \(again)")
            return
        }
        #expect(reason.code == "too_old")
        #expect(try world.text("select count(*) from project") == "0")
        #expect(try world.text("select count(*) from inbox") == "0")
        #expect(try world.published("deployment.results").map { $0["reason.code"] } == ["too_old"])
    }

    /// A world whose instance `web` was deployed by the request `d1`, which the inbox has forgotten; nothing is unread.
    private func worldOfForgottenDeployment() throws -> CommandWorld {
        let world = try CommandWorld.ready()
        try world.deploy(id: "d1")
        try world.connection.script("update inbox set seen_at = now() - interval '18 days'")
        try RuntimeRetention().round(on: world.connection)
        return world
    }

    @Test func `an id whose command stayed for longer than the inbox is answered again, and done once`() throws {
        let world = try worldOfForgottenDeployment()
        let newest = try #require(try world.published("deployment.results").last)
        #expect(try world.deploy(id: "d1") == .repeated)
        #expect(try world.published("deployment.results") == [newest])
        #expect(try world.deploy(id: "d1") == .repeated, "the inbox knows it again")
        #expect(try world.published("deployment.results") == [newest])
        #expect(try world.states() == ["sent 2"])
        // The steps go by month; the newest command of an instance stays without them.
        try world.connection.script("delete from inbox; delete from command_step")
        #expect(try world.deploy(id: "d1") == .repeated)
        let end = try #require(try world.published("deployment.results").last)
        #expect(end["state"] == "sent" && end["command"] == newest["command"])
    }

    @Test func `an id whose command stayed for longer than the inbox is not taken for another request`() throws {
        let world = try worldOfForgottenDeployment()
        _ = try world.published()
        let outcomes = try world.handle([
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.1.0"), id: "d2"),
            world.message("application.create", key: "shop", #"{"project":"shop","application":"api"}"#, id: "d1"),
        ])
        #expect(outcomes.first == .applied, "its batch is not held up")
        guard case .rejected(let reason) = outcomes.last else {
            Issue.record("it was not rejected: \(outcomes)")
            return
        }
        #expect(reason.code == "id_reused")
        #expect(try world.text("select count(*) from application where application = 'api'") == "0")
    }
}
