import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// Dead letters are looked at, and sent in again once.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct DeadLetterReplayTests {
    private func slipway(_ arguments: [String], _ world: FleetWorld, token: Bool = false) throws -> (Int32, String) {
        let process = try world.start("slipway", arguments, token ? ["SLIPWAY_TOKEN": world.token] : [:])
        return (try process.exitCode(), process.output)
    }

    /// The lines that replays left in the audit log.
    private func audited(_ world: FleetWorld) throws -> [String] {
        try world.database.query(
            "select outcome || ': ' || subject_name from audit where operation = 'dlt.replay' order by id"
        ).map { try $0.string(0) }
    }

    /// Writes dead letters of release events, as of messages at the offsets 100, 101 and so on.
    private func letters(_ numbers: ClosedRange<Int>, _ world: FleetWorld, partition: Int = 0) throws {
        for number in numbers {
            try world.send(
                "release.events.dlt",
                key: "web",
                type: "t",
                id: "letter \(number)",
                headers: [
                    ("__connect.errors.partition", "\(partition)"), ("__connect.errors.offset", "\(100 + number)"),
                ],
                value: Array("{}".utf8)
            )
        }
    }

    private func sent(_ world: FleetWorld) throws -> [String] {
        try world.messages(on: "release.events").map { $0.header("ce_id") ?? "" }
    }

    @Test func `dead letters are listed, shown and sent in again once, and what was done is not done again`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        _ = try world.start("outbox-relay")
        _ = try world.start("deployment-worker")
        try world.request("nothing.happens", key: "shop", id: "first", "{}")
        try world.request("nothing.else", key: "shop", id: "second", "{}")
        func letters(_ count: Int64) throws {
            _ = try eventually("\(count) dead letters") {
                let dead = try world.number("select coalesce(sum(dead_lettered), 0)::bigint from partition_claim")
                let waiting = try world.number("select count(*) from outbox")
                return dead == count && waiting == 0 ? true : nil
            }
        }
        try letters(2)
        let list = try slipway(["dlt", "list", "deployment.requests", "--code", "unknown_type"], world).1
        #expect(list.contains("first") && list.contains("second") && list.contains("unknown_type"), "\(list)")
        let shown = try slipway(["dlt", "show", "deployment.requests", "--offset", "0"], world).1
        #expect(shown.contains("kafka_dlt-original-topic") && shown.contains("value: 2 bytes"), "\(shown)")
        #expect(!shown.lowercased().contains("authorization"))
        #expect(
            try slipway(["dlt", "replay", "deployment.requests", "--dry-run"], world).1.contains("2 dead letters would")
        )
        #expect(try slipway(["dlt", "replay", "deployment.requests"], world).0 == 64, "a request needs a token")
        #expect(try audited(world) == [], "nothing was begun")
        let (code, text) = try slipway(["dlt", "replay", "deployment.requests"], world, token: true)
        #expect(code == 0 && text.contains("2 dead letters were sent in again"), "\(text)")
        try letters(4)
        func ids() throws -> [String] {
            try world.messages(on: "deployment.requests.dlt").map { $0.header("ce_id") ?? "" }
        }
        #expect(try ids() == ["first", "second", "first", "second"])
        #expect(
            try world.messages(on: "deployment.requests").last?.header("slipway-reason-code") == nil,
            "what was added is taken off"
        )
        #expect(
            try audited(world) == ["begun", "done"].map { "\($0): 2 of deployment.requests, offsets 0 to 1" }
        )
        // What failed again is sent once, not together with what it was made of.
        let second = try slipway(["dlt", "replay", "deployment.requests"], world, token: true).1
        #expect(
            second.contains("2 dead letters were sent in again; 2 were sent in before and are left out"),
            "\(second)"
        )
        try letters(6)
        #expect(try ids().count == 6)
    }

    @Test func `more dead letters than the producer's queue holds are sent in again, in their order`() throws {
        let world = try FleetWorld(topics: ["release.events", "release.events.dlt"], partitions: 1)
        for number in 1...30 {
            try world.send("release.events.dlt", key: "web", type: "t", id: "letter \(number)", value: Array("{}".utf8))
        }
        let replay = try world.start(
            "slipway",
            ["dlt", "replay", "release.events"],
            ["SLIPWAY_KAFKA_QUEUE_BUFFERING_MAX_MESSAGES": "4"]
        )
        #expect(try replay.exitCode() == 0)
        #expect(replay.output.contains("30 dead letters were sent in again"), "\(replay.output)")
        #expect(try sent(world) == (1...30).map { "letter \($0)" })
        #expect(try audited(world).last == "done: 30 of release.events, offsets 0 to 29")
        #expect(
            try slipway(["dlt", "replay", "release.events"], world).1.contains("0 dead letters were sent in again")
        )
        let again = try slipway(["dlt", "replay", "release.events", "--again", "--offset", "3"], world).1
        #expect(again.contains("1 dead letters were sent in again"), "\(again)")
        #expect(try sent(world).last == "letter 4")
        #expect(try audited(world).last == "done: 1 of release.events, offsets 3 to 3, again")
    }

    @Test func `a part of the dead letters is chosen by offset or time`() throws {
        let world = try FleetWorld(topics: ["release.events", "release.events.dlt"], partitions: 1)
        try letters(1...6, world)
        func chosen(_ arguments: String...) throws -> String {
            let (code, text) = try slipway(["dlt", "list", "release.events", "--json"] + arguments, world)
            guard code == 0 else { return text }
            struct Line: Decodable { let offset: Int64 }
            return try JSONDecoder().decode([Line].self, from: Data(text.utf8)).map { "\($0.offset)" }.joined()
        }
        #expect(try chosen("--from", "2") == "2345")
        #expect(try chosen("--to", "2") == "012")
        #expect(try chosen("--from", "1", "--to", "1") == "1")
        #expect(try chosen("--from", "2026-01-01T00:00:00Z") == "012345")
        #expect(try chosen("--to", "2026-01-01T00:00:00Z") == "")
        #expect(try chosen("--to", "yesterday").contains("'yesterday'"))
        #expect(try slipway(["dlt", "replay", "release.events", "--from", "4"], world).0 == 0)
        #expect(try sent(world) == ["letter 5", "letter 6"])
        #expect(try audited(world).last == "done: 2 of release.events, offsets 4 to 5; from offset 4")
    }

    @Test func `of many dead letters the newest are listed, what is left out is said, and one is found by its offset`()
        throws
    {
        let world = try FleetWorld(topics: ["release.events.dlt"], partitions: 1)
        try letters(1...6, world)
        let (code, text) = try slipway(["dlt", "list", "release.events", "--limit", "2"], world)
        #expect(code == 0 && text.contains("the newest 2 of 6 are shown"), "\(text)")
        #expect(text.contains("letter 5") && text.contains("letter 6") && !text.contains("letter 4"), "\(text)")
        #expect(try slipway(["dlt", "list", "release.events", "--limit", "0"], world).0 == 64)
        #expect(try slipway(["dlt", "show", "release.events", "--offset", "5"], world).1.contains("letter 6"))
        let (none, says) = try slipway(["dlt", "show", "release.events", "--offset", "6"], world)
        #expect(none == 64 && says.contains("There is no dead letter at offset 6."), "\(says)")
    }

    @Test func `dead letters of another fleet's topics are not none`() throws {
        let world = try FleetWorld(topics: ["release.events.dlt"], partitions: 1)
        #expect(try slipway(["dlt", "list", "release.events"], world).1.contains("there is no such dead letter"))
        let (code, text) = try slipway(["dlt", "list", "release.events", "--topic-prefix", "acme."], world)
        #expect(code == 1 && text.contains("The broker has no topic 'acme.release.events.dlt'"), "\(text)")
    }

    @Test func `a letter that a relay published twice, or that lies before another one, goes once and in order`() throws
    {
        let world = try FleetWorld(topics: ["release.events", "release.events.dlt"], partitions: 1)
        try letters(5...6, world)
        try letters(1...2, world)
        try letters(1...2, world)
        #expect(
            try slipway(["dlt", "replay", "release.events"], world).1.contains("4 dead letters were sent in again")
        )
        #expect(try sent(world) == [1, 2, 5, 6].map { "letter \($0)" })
    }

    @Test func `a replay that cannot be written down is not begun, and one that fails says what was meant`() throws {
        let world = try FleetWorld(topics: ["release.events", "release.events.dlt"], partitions: 1)
        try letters(1...3, world)
        try world.database.script("alter table audit add constraint closed check (operation <> 'dlt.replay') not valid")
        #expect(try slipway(["dlt", "replay", "release.events"], world).0 == 1)
        #expect(try sent(world) == [], "nothing is sent that nobody can read of")
        try world.database.script(
            """
            alter table audit drop constraint closed;
            alter table replayed_dead_letter add constraint closed check (message_offset < 0)
            """
        )
        let (code, text) = try slipway(["dlt", "replay", "release.events"], world)
        #expect(code == 1 && text.contains("3 of 3 dead letters were sent in again, then: "), "\(text)")
        #expect(
            try audited(world) == ["begun", "failed"].map { "\($0): 3 of release.events, offsets 0 to 2" }
        )
    }
}
