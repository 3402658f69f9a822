import Foundation
import Postgres
import TestSupport
import Testing

/// Where a group reads on: an offset that Kafka lost, and one that an operator sets.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct PositionTests {
    @Test func `a partition whose next offset Kafka lost goes on at its oldest message`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("deployment-worker")
        try world.request("project.create", key: "first", id: "1", #"{"project":"first"}"#)
        try waitForProjects(1, in: world)
        worker.signal(SIGSTOP)
        // The mock keeps the newest 5 MiB of a partition: what comes next is lost before the worker wakes.
        let large = [UInt8](repeating: UInt8(ascii: "x"), count: 900_000)
        for number in 0..<14 {
            try world.send(
                "deployment.requests",
                key: "first",
                type: "slipway.none.v1",
                id: "large-\(number)",
                value: large
            )
        }
        try world.request("project.create", key: "second", id: "2", #"{"project":"second"}"#)
        worker.signal(SIGCONT)
        try waitForProjects(2, in: world)
        #expect(try world.number("select lost_to_retention from partition_claim") > 0)
        #expect(try world.ledgerCloses())
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `an operator sets a position under a worker at work, and nothing is done twice`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("deployment-worker")
        for number in 1...3 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        try waitForProjects(3, in: world)
        let command = try world.start(
            "slipway",
            ["offsets", "set", "deployment-worker", "deployment.requests", "0", "oldest"]
        )
        #expect(try command.exitCode() == 0, "\(command.output)")
        // Nothing comes, and it reads again all the same.
        _ = try eventually("the old messages once more") {
            try world.number("select repeated from partition_claim") == 3 ? true : nil
        }
        try world.request("project.create", key: "p4", id: "4", #"{"project":"p4"}"#)
        try waitForProjects(4, in: world)
        #expect(try world.number("select repeated from partition_claim") == 3)
        #expect(try world.number("select count(*) from command") == 4)
        let wrong = try world.start(
            "slipway",
            ["offsets", "set", "deployment-worker", "deployment.requests", "0", "99"]
        )
        #expect(try wrong.exitCode() != 0)
        #expect(try world.number("select next_offset from partition_claim") == 4)
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `the position on a topic that a worker reads beside its own is set by the worker's name`() throws {
        let world = try FleetWorld(topics: ["agent.output"], partitions: 1)
        try world.send("agent.output", key: "c", type: "t", id: "1", value: Array("{}".utf8))
        try world.database.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset)
                values ('slipway.agent-worker.agent.output', 'agent.output', 0, 1)
            """
        )
        _ = try world.said("slipway", ["offsets", "set", "agent-worker", "agent.output", "0", "oldest"])
        #expect(try world.number("select next_offset from partition_claim") == 0)
    }

    private func waitForProjects(_ count: Int64, in world: FleetWorld) throws {
        _ = try eventually("\(count) projects", within: .seconds(60)) {
            try world.number("select count(*) from project") == count ? true : nil
        }
    }
}
