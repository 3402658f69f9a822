import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// The newest state of compacted keys is published again, the same bytes as before.
@Suite struct RepublicationTests {
    private func mark(_ keys: [(String, String)], in world: CommandWorld) throws {
        try RepublishMarks.insert(keys.map { OutboxKey(topic: $0, key: Array($1.utf8)) }, on: world.connection)
    }

    @Test
    func `the timekeeper publishes the newest state of marked keys again, the same bytes, and the marks are gone`()
        throws
    {
        let world = try CommandWorld()
        try world.request("project.create", key: "shop", #"{"project":"shop","owners":["olga"]}"#, as: "root")
        try world.register("c1")
        try world.connect("c1")
        let body = #"{"project":"shop","environment":"staging","cluster":"c1"}"#
        try world.request("environment.create", key: "shop/staging", body)
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        try world.request("application.create", key: "shop", #"{"project":"shop","application":"web"}"#)
        try world.publishVersion("1.0.0")
        let environment = try #require(try world.published("environment.status").last)
        try world.deploy()
        let operating = try #require(try world.published("instance.status").last)
        try mark([("environment.status", "shop/staging"), ("instance.status", "shop/staging/web")], in: world)
        #expect(try world.passTime())
        #expect(try world.published() == [environment, operating])
        #expect(try world.text("select count(*) from outbox_republish") == "0")
        #expect(try !world.passTime())
        #expect(try world.published().isEmpty)

        try world.report("failed", of: try world.lastCommand(), #""code":"x","message":"It broke.""#)
        let failed = try #require(try world.published("instance.status").last)
        #expect(failed["state"] == "failed")
        #expect(failed.headers["ce_source"] == "/slipway/agent-worker")
        try mark([("instance.status", "shop/staging/web")], in: world)
        #expect(try world.passTime())
        #expect(try world.published() == [failed])
    }

    @Test(arguments: [
        ("instance.status", "shop/staging/other"), ("instance.status", "shop"), ("environment.status", "shop/other"),
        ("environment.status", "shop"), ("resource.status", "c1/x"), ("resource.status", "c1/x/Pod/y"),
        ("other.status", "shop/staging"), ("environment.status", ""),
    ])
    func `a mark without a row is dropped`(topic: String, key: String) throws {
        let world = try CommandWorld.ready()
        try mark([(topic, key)], in: world)
        #expect(try world.passTime())
        #expect(try world.published().isEmpty)
        #expect(try world.text("select count(*) from outbox_republish") == "0")
    }

    @Test func `everything is published again in chunks`() throws {
        let world = try CommandWorld.ready()
        for number in 1...3 { try world.deploy("1.0.0", instance: "web-\(number)") }
        let before = try world.published("instance.status").map(\.id)
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try Republication.markEverything(in: transaction)
        }
        #expect(try Republication.round(on: world.connection, limit: 3) == 3)
        #expect(try Republication.round(on: world.connection, limit: 3) == 1)
        #expect(try Republication.round(on: world.connection, limit: 3) == 0)
        let after = try world.published()
        #expect(after.filter { $0.topic == "instance.status" }.map(\.id) == before)
        #expect(after.map(\.topic).filter { $0 == "environment.status" }.count == 1)
    }

    // MARK: Objects

    /// A record without its identity as a value.
    private func text(_ record: OutboxRecord) -> [String] {
        let headers = record.headers.map { "\($0.0)=\(String(decoding: $0.1 ?? [], as: UTF8.self))" }
        let value = record.value.map { String(decoding: $0, as: UTF8.self) } ?? "tombstone"
        return [record.topic, String(decoding: record.key, as: UTF8.self), value] + headers
    }

    private func again(_ world: ResourceWorld) throws -> [[String]] {
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try Republication.markEverything(in: transaction)
            let outbox = OutboxBuffer()
            try Republication.publish(
                try RepublishMarks.take(limit: 100, in: transaction),
                outbox: outbox,
                in: transaction
            )
            return outbox.records.filter { $0.topic == "resource.status" }.map(text)
        }
    }

    @Test func `objects are published again as they were, also after a change that nobody could see`() throws {
        let world = try ResourceWorld()
        let first = try world.handle([
            AgentMessage.changed(AgentMessage.deployment("a"), 1, 1),
            AgentMessage.changed(AgentMessage.crashingPod("b"), 1, 2, instance: "web-1"),
        ])
        let sent = first.records.filter { $0.topic == "resource.status" }.map(text)
        #expect(sent.count == 2)
        #expect(try again(world) == sent)
        let unseen = try world.handle([AgentMessage.changed(AgentMessage.deployment("a"), 1, 3)])
        #expect(unseen.types("resource.status").isEmpty)
        #expect(try again(world) == sent)
        let seen = try world.handle([AgentMessage.changed(AgentMessage.deployment("a", available: 0), 1, 4)])
        #expect(try again(world) == seen.records.filter { $0.topic == "resource.status" }.map(text) + [sent[1]])
    }

    @Test func `what is gone is published again as a tombstone, and what nobody ever saw is not`() throws {
        let world = try ResourceWorld()
        try world.handle([
            AgentMessage.changed(AgentMessage.deployment("a"), 1, 1),
            AgentMessage.changed(AgentMessage.deployment("b", uid: "u2"), 1, 2),
            AgentMessage.changed(AgentMessage.deployment("c", uid: "u3"), 1, 3),
            AgentMessage.gone("Deployment", "c", uid: "u3", 1, 4),
        ])
        let gone = try world.handle([AgentMessage.gone("Deployment", "a", uid: "u1", 1, 5)])
        let swept = try world.handle([AgentMessage.snapshotEnded("Deployment", began: 6, count: 0, 1, 6)])
        let tombstones = (gone.records + swept.records).filter { $0.topic == "resource.status" }.map(text)
        #expect(tombstones.count == 2)
        #expect(tombstones.allSatisfy { $0.contains("tombstone") })
        #expect(try again(world) == tombstones)
    }
}
