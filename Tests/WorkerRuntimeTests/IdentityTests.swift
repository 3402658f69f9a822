import Foundation
import Testing

@testable import WorkerRuntime

@Suite struct IdentityTests {
    @Test func `a request's identity follows from caller, source and id and from nothing else`() {
        let one = InboxKey(caller: "alice", source: "/portal", id: "7f0c", digest: [1])
        #expect(one.requestID == InboxKey(caller: "alice", source: "/portal", id: "7f0c", digest: [2]).requestID)
        #expect(one.requestID != InboxKey(caller: "bob", source: "/portal", id: "7f0c", digest: [1]).requestID)
        #expect(one.requestID != InboxKey(caller: "alice", source: "/portal7", id: "f0c", digest: [1]).requestID)
    }

    @Test func `a derived id is a UUID of version 8`() {
        let text = DerivedID.make("a", "b").uuidString
        #expect(Array(text)[14] == "8")
        #expect("89AB".contains(Array(text)[19]))
    }

    @Test func `the digest tells data, type and key apart`() {
        func digest(_ type: String, _ key: String, _ data: String) -> [UInt8] {
            Array(data.utf8).withUnsafeBytes { InboxKey.digest(type: type, key: key, data: $0) }
        }
        #expect(digest("t", "k", "d") == digest("t", "k", "d"))
        #expect(
            Set([digest("t", "k", "d"), digest("t", "k", "e"), digest("t", "kd", ""), digest("tk", "", "d")]).count == 4
        )
    }

    @Test func `the shard of a record depends on topic and key, and on the topic alone for agents`() {
        let table = OutboxTable(shards: 8)
        func shard(_ topic: String, _ key: String) -> Int {
            let event = OutgoingEvent(id: "1", type: "t", source: "s", subject: nil, time: 0, data: [])
            return table.shard(of: OutboxRecord(topic: topic, key: key, event: event))
        }
        #expect(shard("instance.status", "a") == shard("instance.status", "a"))
        #expect(Set((0..<100).map { shard("instance.status", "k\($0)") }).count == 8)
        #expect(Set((0..<100).map { shard("agent.commands.c", "k\($0)") }).count == 1)
    }
}
