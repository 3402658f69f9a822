import Testing

@testable import WorkerRuntime

@Suite struct HeaderBytesTests {
    @Test func `headers come back as they were written, in order, repeated and null`() throws {
        let headers: [(String, [UInt8]?)] = [
            ("ce_id", Array("7f0c".utf8)), ("x", nil), ("x", []), ("ünï", [0, 255, 10]), ("x", Array("again".utf8)),
        ]
        #expect(HeaderBytes.encode(headers).withUnsafeBytes(HeaderBytes.areReadable))
        let back = try #require(HeaderBytes.decode(HeaderBytes.encode(headers)))
        #expect(back.map(\.0) == headers.map(\.0))
        #expect(back.map(\.1) == headers.map(\.1))
    }

    @Test func `a name that is longer than the form can hold is cut, and all can still be read`() throws {
        let long = String(repeating: "ü", count: 40_000)
        let bytes = HeaderBytes.encode([("before", [1]), (long, [2]), ("after", [3])] as [(String, [UInt8]?)])
        #expect(bytes.withUnsafeBytes(HeaderBytes.areReadable))
        let back = try #require(HeaderBytes.decode(bytes))
        #expect(back.map(\.1) == [[1], [2], [3]])
        #expect(back.count == 3 && back[0].0 == "before" && back[2].0 == "after")
        #expect(back.count == 3 && back[1].0.hasPrefix("üüü") && back[1].0.utf8.count > 65_000)
    }

    @Test(arguments: ["resource.status", "agent.commands.c1"])
    func `events with a head have the headers, and the shard, that they would have without`(topic: String) {
        let time: Int64 = 1_764_000_000_000_001
        let event = OutgoingEvent(
            id: "k@7",
            type: "slipway.x.v1",
            source: "/slipway/x",
            subject: "k",
            time: time,
            data: [123, 125],
            extensions: [("revision", "7")]
        )
        let alone = OutboxRecord(topic: topic, key: "k", event: event, coalesces: true)
        let head = EventHead(type: "slipway.x.v1", source: "/slipway/x", time: time)
        let headed = OutboxRecord(topic: topic, head: head, key: "k", id: "k@7", revision: 7, data: [123, 125])
        func sorted(_ record: OutboxRecord) -> [String] {
            record.headers.map { "\($0)=\(String(decoding: $1 ?? [], as: UTF8.self))" }.sorted()
        }
        #expect(sorted(headed) == sorted(alone))
        #expect(headed.key == alone.key && headed.value == alone.value && headed.coalesces)
        #expect(headed.shardsByTopic == alone.shardsByTopic)
    }

    @Test(arguments: [[0], [0, 5, 65], [0, 1, 65], [0, 1, 65, 0, 0], [0, 1, 65, 0, 0, 0, 9, 1]] as [[UInt8]])
    func `bytes of another form are refused`(bytes: [UInt8]) {
        #expect(HeaderBytes.decode(bytes) == nil)
        #expect(!bytes.withUnsafeBytes(HeaderBytes.areReadable))
    }
}
