import Foundation
import Postgres
import Testing
import WorkerRuntime

@testable import Domain

@Suite(.timeLimit(.minutes(2))) struct ResourceHandlerTests {
    @Test func `an object is stored, judged and published`() throws {
        let world = try ResourceWorld()
        let result = try world.handle([.changed(AgentMessage.deployment("web"), 1, 1)])
        #expect(result.outcomes == [.applied])
        #expect(try world.objects() == ["Deployment web u1 healthy 1"])
        #expect(result.types("resource.status") == ["slipway.resource.status.v1"])
        let name = try world.connection.query("select object->'metadata'->>'name' from resource").only().string(0)
        #expect(name == "web")
    }

    @Test func `the partition of a stream is that of its newest message`() throws {
        let world = try ResourceWorld()
        for (sequence, partition) in [(1, 5), (2, 7)] as [(Int64, Int32)] {
            let body = AgentMessage.deployment("web", generation: sequence)
            try world.handle([
                AgentMessage.make("slipway.resource.changed.v1", body, 1, sequence, partition: partition)
            ])
            let stored = try world.connection.query("select partition from resource_stream").only().int32(0)
            #expect(stored == partition)
        }
    }

    @Test func `repeats change nothing and are silent`() throws {
        let world = try ResourceWorld()
        let messages: [KafkaMessageView] = [
            .changed(AgentMessage.deployment("web"), 1, 1, instance: "web-1"),
            .changed(AgentMessage.deployment("web", available: 0), 1, 2, instance: "web-1"),
        ]
        try world.handle(messages)
        let before = (try world.objects(), try world.instance())
        let again = try world.handle(messages)
        #expect(again.outcomes == [.stale, .repeated])
        #expect(again.records.isEmpty)
        #expect(try world.objects() == before.0)
        #expect(try world.instance() == before.1)
    }

    @Test func `a snapshot of what is known is silent too`() throws {
        let world = try ResourceWorld()
        try world.handle([.changed(AgentMessage.deployment("web"), 1, 1, instance: "web-1")])
        let result = try world.handle([
            .changed(AgentMessage.deployment("web"), 1, 2, instance: "web-1"),
            .snapshotEnded("Deployment", began: 2, count: 1, 1, 3),
        ])
        #expect(result.outcomes == [.applied, .applied])
        #expect(result.records.isEmpty)
        #expect(try world.objects() == ["Deployment web u1 healthy 1"])
    }

    @Test(arguments: 0..<8) func `facts never go backwards, however they arrive`(_ seed: UInt64) throws {
        let world = try ResourceWorld(epoch: 3)
        var random = Shuffle(state: seed)
        let positions: [(Int64, Int64)] = (1...12).map { (3, Int64($0)) }
        let messages = positions.flatMap { epoch, sequence in
            ["a", "b"].map { name in
                KafkaMessageView.changed(
                    AgentMessage.deployment(name, uid: "u\(sequence)", generation: sequence),
                    epoch,
                    sequence
                )
            }
        }.shuffled(using: &random)
        var rest = messages[...]
        var newest: [String: Int64] = [:]
        while !rest.isEmpty {
            try world.handle(Array(rest.prefix(5)))
            rest = rest.dropFirst(5)
            for row in try world.connection.query("select name, generation from resource") {
                let (name, generation) = (try row.string(0), try row.int64(1))
                #expect(generation >= newest[name] ?? 0)
                newest[name] = generation
            }
        }
        #expect(newest == ["a": 12, "b": 12])
    }

    @Test func `an earlier epoch counts for nothing, a later one asks for a hello once`() throws {
        let world = try ResourceWorld(epoch: 2)
        try world.handle([.changed(AgentMessage.deployment("web"), 2, 1)])
        let old = try world.handle([.changed(AgentMessage.deployment("web", uid: "old"), 1, 90)])
        #expect(old.outcomes == [.stale])
        let ahead = try world.handle([.changed(AgentMessage.deployment("web", uid: "new"), 3, 1)])
        #expect(ahead.outcomes == [.stale])
        #expect(ahead.types("agent.commands.c1") == ["slipway.agent.hello_requested.v1"])
        #expect(try world.handle([.changed(AgentMessage.deployment("web", uid: "new"), 3, 2)]).records.isEmpty)
        #expect(try world.objects() == ["Deployment web u1 healthy 1"])
    }

    @Test(arguments: [true, false]) func `an object deleted and made again is the new one`(_ isOneBatch: Bool) throws {
        let world = try ResourceWorld()
        let messages: [KafkaMessageView] = [
            .changed(AgentMessage.deployment("web"), 1, 1), .gone("Deployment", "web", uid: "u1", 1, 2),
            .changed(AgentMessage.deployment("web", uid: "u2"), 1, 3), .gone("Deployment", "web", uid: "u1", 1, 4),
        ]
        if isOneBatch {
            #expect(try world.handle(messages).outcomes == [.applied, .applied, .applied, .stale])
            #expect(try world.objects() == ["Deployment web u2 healthy 1"])
        } else {
            for message in messages { try world.handle([message]) }
            #expect(try world.objects() == ["Deployment web u2 healthy 3"])
        }
    }

    @Test func `a deleted object leaves a tombstone with the next revision`() throws {
        let world = try ResourceWorld()
        try world.handle([.changed(AgentMessage.deployment("web"), 1, 1)])
        let result = try world.handle([.gone("Deployment", "web", uid: "u1", 1, 2)])
        let record = try #require(result.records.first)
        #expect(record.value == nil)
        #expect(record.headers.contains { $0.0 == "ce_revision" && $0.1 == Array("2".utf8) })
        #expect(try world.objects().isEmpty)
    }

    @Test func `what a snapshot lacks is gone, what came during it stays`() throws {
        let world = try ResourceWorld()
        try world.handle([.changed(AgentMessage.pod("a"), 1, 1), .changed(AgentMessage.pod("b"), 1, 2)])
        let result = try world.handle([
            .changed(AgentMessage.pod("a"), 1, 3), .changed(AgentMessage.pod("new"), 1, 4),
            .snapshotEnded("Pod", began: 3, count: 1, 1, 5), .changed(AgentMessage.pod("later"), 1, 6),
        ])
        #expect(try world.objects().map { $0.split(separator: " ")[1] } == ["a", "later", "new"])
        #expect(result.types("resource.status").filter { $0 == "slipway.tombstone.v1" }.count == 1)
    }

    @Test func `an empty kind removes the last of it, and other kinds stay`() throws {
        let world = try ResourceWorld()
        try world.handle([.changed(AgentMessage.pod("a"), 1, 1), .changed(AgentMessage.deployment("web"), 1, 2)])
        try world.handle([.snapshotEnded("Pod", began: 3, count: 0, 1, 3)])
        #expect(try world.objects() == ["Deployment web u1 healthy 1"])
    }

    @Test func `a gap asks for a snapshot once, and a snapshot around it removes nothing`() throws {
        let world = try ResourceWorld()
        try world.handle([.changed(AgentMessage.pod("a"), 1, 1), .changed(AgentMessage.pod("b"), 1, 2)])
        let gap = try world.handle([.changed(AgentMessage.pod("a"), 1, 3), .changed(AgentMessage.pod("c"), 1, 5)])
        #expect(gap.types("agent.commands.c1") == ["slipway.agent.snapshot_requested.v1"])
        let ended = try world.handle([
            .snapshotEnded("Pod", began: 3, count: 3, 1, 6), .changed(AgentMessage.pod("a"), 1, 9),
        ])
        #expect(ended.types("agent.commands.c1").isEmpty)
        #expect(try world.objects().count == 3)
        try world.handle([
            .changed(AgentMessage.pod("a"), 1, 10), .snapshotEnded("Pod", began: 10, count: 1, 1, 11),
        ])
        #expect(try world.objects().count == 1)
        let stream = try world.connection.query("select gaps, snapshot_wanted from resource_stream").only()
        #expect(try stream.int64(0) == 2)
        #expect(try stream.bool(1) == false)
    }

    @Test func `an instance adds up its objects, and its revision rises by one`() throws {
        let world = try ResourceWorld()
        let first = try world.handle([
            .changed(AgentMessage.deployment("web", available: 0), 1, 1, instance: "web-1"),
            .changed(AgentMessage.pod("web-a", isReady: false), 1, 2, instance: "web-1"),
        ])
        #expect(try world.instance() == "progressing 0 1 1")
        #expect(first.types("instance.status") == ["slipway.instance.status.v1"])
        try world.handle([.changed(AgentMessage.pod("web-a"), 1, 3, instance: "web-1")])
        try world.handle([.changed(AgentMessage.deployment("web"), 1, 4, instance: "web-1")])
        #expect(try world.instance() == "healthy 1 1 3")
        try world.handle([
            .gone("Deployment", "web", uid: "u1", 1, 5), .gone("Pod", "web-a", uid: "p-web-a", 1, 6),
        ])
        #expect(try world.instance() == "missing 0 0 4")
    }

    @Test func `an open command is healthy as long as what it applied is`() throws {
        let world = try ResourceWorld()
        try world.openCommand(applied: "web", uid: "u1", generation: 2)
        try world.handle([.changed(AgentMessage.deployment("web", generation: 1), 1, 1, instance: "web-1")])
        #expect(try world.window("healthy_since") == nil)
        try world.handle([.changed(AgentMessage.deployment("web", generation: 2), 1, 2, instance: "web-1")])
        let since = try world.window("healthy_since")
        #expect(since != nil)
        try world.handle([.changed(AgentMessage.pod("web-a"), 1, 3, instance: "web-1")])
        #expect(try world.window("healthy_since") == since)
        try world.handle([
            .changed(AgentMessage.deployment("web", generation: 2, available: 0), 1, 4, instance: "web-1")
        ])
        #expect(try world.window("healthy_since") == nil)
        try world.handle([.changed(AgentMessage.crashingPod("web-b"), 1, 5, instance: "web-1")])
        #expect(try world.window("failing_since") != nil)
        #expect(try world.instance() == "progressing 1 2 4")
    }

    @Test func `a body that cannot be read is dead-lettered alone and makes its object unknown`() throws {
        let world = try ResourceWorld()
        try world.handle([.changed(AgentMessage.deployment("web"), 1, 1)])
        let bad = AgentMessage.deployment("web").replacingOccurrences(
            of: #""spec":{"replicas":1}"#,
            with: #""spec":"x""#
        )
        let nul = AgentMessage.pod("nul").replacingOccurrences(of: "Always", with: #"Al\u0000ways"#)
        let result = try world.handle([
            .changed(bad, 1, 2), .changed(nul, 1, 3), .changed(AgentMessage.pod("good"), 1, 4),
        ])
        guard case .deadLettered(let reason) = result.outcomes[0] else { throw result.outcomes[0].unexpected }
        #expect(reason.field == "spec")
        guard case .deadLettered(let nulReason) = result.outcomes[1] else { throw result.outcomes[1].unexpected }
        #expect(nulReason.code == "nul_character")
        #expect(result.outcomes[2] == .applied)
        #expect(try world.objects() == ["Deployment web u1 unknown 2", "Pod good p-good healthy 1"])
        #expect(result.types("agent.commands.c1").isEmpty)
    }

    @Test func `a cluster nobody registered and a key that was replaced count for nothing`() throws {
        let world = try ResourceWorld()
        let unknown = try world.handle([.changed(AgentMessage.deployment("web"), 1, 1, key: "other/shop")])
        guard case .deadLettered(let reason) = unknown.outcomes[0] else { throw unknown.outcomes[0].unexpected }
        #expect(reason.code == "unknown_cluster")
        try world.connection.script("update cluster set key_id = 2")
        let replaced = try world.handle([.changed(AgentMessage.deployment("web"), 1, 1)])
        guard case .deadLettered(let key) = replaced.outcomes[0] else { throw replaced.outcomes[0].unexpected }
        #expect(key.code == "retired_key")
        #expect(try world.objects().isEmpty)
    }

    @Test func `a cluster that was deleted counts for nothing, as one that nobody registered`() throws {
        let world = try ResourceWorld()
        try world.connection.script("update cluster set deleted_at = now()")
        let deleted = try world.handle([.changed(AgentMessage.deployment("web"), 1, 1)])
        guard case .deadLettered(let reason) = deleted.outcomes[0] else { throw deleted.outcomes[0].unexpected }
        #expect(reason.code == "unknown_cluster")
        #expect(try world.objects().isEmpty)
    }

    @Test func `of a secret is stored what it is to helm and who owns it, and nothing else`() throws {
        let world = try ResourceWorld()
        let secret =
            #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"shop","uid":"u","#
            + #""labels":{"a":"hunter2"},"annotations":{"helm.sh/resource-policy":"keep","#
            + #""kubectl.kubernetes.io/last-applied-configuration":"hunter2"},"#
            + #""ownerReferences":[{"uid":"o","name":"hunter2"}]},"#
            + #""data":{"password":"aHVudGVyMg=="},"stringData":{"password":"hunter2"}}"#
        try world.handle([.changed(secret, 1, 1)])
        #expect(
            try world.connection.query("select object::text from resource").only().string(0)
                == #"{"metadata":{"annotations":{"helm.sh/resource-policy":"keep"},"ownerReferences":[{"uid":"o"}]}}"#
        )
    }
}

extension Outcome {
    /// An error that shows an outcome a test did not expect.
    fileprivate var unexpected: Reason { Reason(code: "unexpected", sentence: "\(self)") }
}

extension KafkaMessageView {
    fileprivate static func changed(
        _ object: String,
        _ epoch: Int64,
        _ sequence: Int64,
        key: String = "c1/shop",
        instance: String? = nil
    ) -> KafkaMessageView { AgentMessage.changed(object, epoch, sequence, key: key, instance: instance) }

    fileprivate static func gone(
        _ kind: String,
        _ name: String,
        uid: String,
        _ epoch: Int64,
        _ sequence: Int64
    ) -> KafkaMessageView { AgentMessage.gone(kind, name, uid: uid, epoch, sequence) }

    fileprivate static func snapshotEnded(
        _ kind: String,
        began: Int64,
        count: Int,
        _ epoch: Int64,
        _ sequence: Int64
    ) -> KafkaMessageView { AgentMessage.snapshotEnded(kind, began: began, count: count, epoch, sequence) }
}

/// A small generator whose order follows from its seed.
private struct Shuffle: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 33)
    }
}
