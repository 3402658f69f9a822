import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// Workers of several versions side by side: who lives is known, and what only a newer one may read waits.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct RollingUpgradeTests {
    @Test func `workers are shown with their versions while they live`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics)
        let worker = try world.start("deployment-worker", [], ["SLIPWAY_INSTANCE": "decider-0"])
        let relay = try world.start("outbox-relay")
        _ = try eventually("both are there") { try world.number("select count(*) from live_worker") == 2 ? true : nil }
        #expect(try world.number("select fleet_version()") == 2)
        let status = try world.start("slipway", ["status"])
        #expect(try status.exitCode() == 0)
        let lines = status.output.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("deployment-worker") && $0.contains("decider-0") && $0.contains("now") })
        #expect(lines.contains { $0.hasPrefix("outbox-relay") && $0.contains("(\(relay.pid))") })
        #expect(lines.contains("all that live understand version 2"))
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
        #expect(try world.number("select count(*) from worker") == 1, "who ends cleanly takes its row away")
        let seen = "select extract(epoch from seen_at)::bigint * 1000 from worker"
        let before = try world.number(seen)
        _ = try eventually("the row is renewed") { try world.number(seen) > before ? true : nil }
        relay.signal(SIGKILL)
        _ = try relay.exitCode()
        #expect(try world.number("select count(*) from worker") == 1, "who was killed is forgotten later")
    }

    @Test
    func `a worker goes on with what a newer version has added to the schema, and refuses what it has taken away`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics)
        try world.database.script(
            "insert into schema_migration (name, checksum, is_expansion) values ('V9001_more', 'x', true)"
        )
        let older = try world.start("deployment-worker")
        try world.request("project.create", key: "shop", id: "1", #"{"project":"shop"}"#)
        _ = try eventually("the request is decided") {
            try world.number("select count(*) from command where state = 'succeeded'") == 1 ? true : nil
        }
        let migrate = try world.start("slipway", ["migrate"])
        #expect(try migrate.exitCode() == 0)
        #expect(migrate.output.contains("V9001_more is of a newer version, which this one may work with"))
        let doctor = try world.start("slipway", ["doctor", "--partitions", "2"])
        _ = try doctor.exitCode()
        #expect(doctor.output.contains("has V9001_more of a newer version"))
        try world.database.script(
            "insert into schema_migration (name, checksum, is_expansion) values ('V9002_less', 'x', false)"
        )
        older.signal(SIGTERM)
        #expect(try older.exitCode() == 0, "who is at work ends as ever")
        let late = try world.start("deployment-worker")
        #expect(try late.exitCode() != 0)
        #expect(late.output.contains("V9002_less, which this program does not know: use a newer version"))
    }

    @Test func `a request in an unknown version waits with its key, and is rejected by that name after the last try`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        _ = try world.start("outbox-relay")
        let worker = try world.start("deployment-worker", [], ["SLIPWAY_RETRY_ATTEMPTS": "2"])
        try world.send(
            "deployment.requests",
            key: "shop",
            type: "slipway.project.create.v2",
            id: "newer",
            value: Array(#"{"project":"shop","colour":"red"}"#.utf8)
        )
        try world.request("project.create", key: "shop", id: "behind", #"{"project":"shop"}"#)
        try world.request("project.create", key: "fine", id: "fine", #"{"project":"fine"}"#)
        _ = try eventually("the key goes on") {
            try world.number("select count(*) from command where state = 'succeeded'") == 2 ? true : nil
        }
        #expect(worker.output.contains("parked: unknown_version"))
        #expect(try world.number("select parked from partition_claim") == 2)
        #expect(try world.number("select released_dead_lettered from partition_claim") == 1)
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        let letters = try world.messages(on: "deployment.requests.dlt")
        #expect(letters.map { $0.header("slipway-reason-code") } == ["unknown_version"])
        let rejections = try world.messages(on: "deployment.results").filter {
            $0.header("ce_type") == "slipway.command.rejected.v1"
        }
        #expect(rejections.count == 1)
        let text = String(decoding: rejections.first?.valueBytes ?? [], as: UTF8.self)
        #expect(text.contains(#""code":"unknown_version""#) && text.contains(#""id":"newer""#), "\(text)")
        #expect(try world.ledgerCloses())
    }
}
