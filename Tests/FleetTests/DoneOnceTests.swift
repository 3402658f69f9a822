import Foundation
import Kafka
import TestSupport
import Testing

/// Accepted is not lost; done is done once: whatever kills a worker, wherever it stands.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct DoneOnceTests {
    static let topics = ["deployment.requests", "deployment.results", "deployment.requests.dlt"]

    @Test(arguments: ["afterPoll", "inTransaction", "afterCommit"])
    func `accepted is not lost and done once when the deployment worker is killed`(at point: String) throws {
        let world = try FleetWorld(topics: Self.topics)
        let relay = try world.start("outbox-relay")
        world.hold(point)
        let first = try world.start("deployment-worker")
        for number in 1...6 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        try world.waitUntilHeld(first, at: point)
        first.signal(SIGKILL)
        _ = try first.exitCode()
        world.letPass(point)
        let second = try world.start("deployment-worker")
        try expectEachDoneOnce(world, count: 6)
        #expect(second.isRunning && relay.isRunning)
    }

    @Test func `a relay killed after publishing repeats and loses nothing`() throws {
        let world = try FleetWorld(topics: Self.topics)
        world.hold("afterPublish")
        let worker = try world.start("deployment-worker")
        let relay = try world.start("outbox-relay")
        for number in 1...4 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        try world.waitUntilHeld(relay, at: "afterPublish")
        relay.signal(SIGKILL)
        _ = try relay.exitCode()
        world.letPass("afterPublish")
        _ = try world.start("outbox-relay")
        try expectEachDoneOnce(world, count: 4)
        #expect(worker.isRunning)
    }

    @Test func `the same message delivered five times changes the state once and is answered each time`() throws {
        let world = try FleetWorld(topics: Self.topics)
        _ = try world.start("outbox-relay")
        _ = try world.start("deployment-worker")
        for _ in 1...5 {
            try world.request("project.create", key: "shop", id: "same", #"{"project":"shop"}"#)
        }
        _ = try eventually("five messages consumed") {
            try world.number("select coalesce(sum(consumed), 0)::bigint from partition_claim") == 5 ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        #expect(try world.number("select count(*) from project") == 1)
        #expect(try world.number("select count(*) from command") == 1)
        #expect(try world.number("select sum(repeated)::bigint from partition_claim") == 4)
        let ids = try world.messages(on: "deployment.results").map { $0.header("ce_id") ?? "" }
        #expect(ids.count == 3 + 4, "three steps, and four repeats of the newest")
        #expect(Set(ids).count == 3)
        #expect(try world.ledgerCloses())
    }

    @Test func `SIGTERM in the middle of a batch ends cleanly and loses nothing`() throws {
        let world = try FleetWorld(topics: Self.topics)
        _ = try world.start("outbox-relay")
        world.hold("inTransaction")
        let first = try world.start("deployment-worker")
        for number in 1...5 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        try world.waitUntilHeld(first, at: "inTransaction")
        first.signal(SIGTERM)
        world.letPass("inTransaction")
        #expect(try first.exitCode() == 0)
        _ = try world.start("deployment-worker")
        try expectEachDoneOnce(world, count: 5)
    }

    /// Every request has one command that succeeded, its three results left in order, and the ledger closes.
    private func expectEachDoneOnce(_ world: FleetWorld, count: Int) throws {
        _ = try eventually("\(count) commands succeeded", within: .seconds(60)) {
            try world.number("select count(*) from command where state = 'succeeded'") == Int64(count) ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        #expect(try world.number("select count(*) from project") == Int64(count))
        #expect(try world.number("select count(*) from command_step") == Int64(3 * count))
        var revisions: [String: [Int]] = [:]
        var seen: Set<String> = []
        for message in try world.messages(on: "deployment.results") {
            guard seen.insert(message.header("ce_id") ?? "").inserted else { continue }
            revisions[message.key ?? "", default: []].append(Int(message.header("ce_revision") ?? "") ?? -1)
        }
        #expect(revisions.count == count)
        for (key, order) in revisions { #expect(order == [1, 2, 3], "\(key)") }
        #expect(try world.ledgerCloses())
    }
}
