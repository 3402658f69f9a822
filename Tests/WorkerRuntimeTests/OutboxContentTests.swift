import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// The messages of a row of the outbox, as bytes and back.
@Suite struct OutboxContentTests {
    private static let records: [OutboxRecord] = {
        var status = OutboxRecord(
            topic: "instance.status",
            key: Array("shop/staging/wéb".utf8),
            headers: [("ce_id", Array("1".utf8)), ("none", nil)],
            value: Array(#"{"revision":1}"#.utf8)
        )
        status.coalesces = true
        var tombstone = OutboxRecord(topic: "instance.status", key: [0, 255], headers: [], value: nil)
        tombstone.coalesces = true
        let empty = OutboxRecord(topic: "cdevents", key: [], headers: [], value: [])
        let large = OutboxRecord(topic: "cdevents", key: [1], headers: [], value: Array(repeating: 7, count: 70_000))
        return [status, tombstone, empty, large]
    }()

    private func content() -> OutboxContent {
        var content = OutboxContent()
        for record in Self.records { content.append(record) }
        return content
    }

    @Test func `what is read is what was written, and is written again`() throws {
        let content = content()
        let messages = try #require(OutboxContent.messages(content.bytes))
        #expect(content.count == 4)
        #expect(messages.map(\.topic) == Self.records.map(\.topic))
        #expect(messages.map(\.key) == Self.records.map(\.key))
        #expect(messages.map(\.value) == Self.records.map(\.value))
        #expect(messages.map(\.coalesces) == Self.records.map(\.coalesces))
        #expect(messages.map(\.headers) == Self.records.map { HeaderBytes.encode($0.headers) })
        #expect(OutboxContent(messages).bytes == content.bytes)
    }

    @Test func `bytes that are cut off, at any place, are no content`() {
        var ends: [Int] = []
        var content = OutboxContent()
        for record in Self.records.prefix(3) {
            content.append(record)
            ends.append(content.bytes.count)
        }
        for length in 0...content.bytes.count {
            let messages = OutboxContent.messages(Array(content.bytes.prefix(length)))
            #expect(messages?.count == ends.firstIndex(of: length).map { $0 + 1 }, "\(length) bytes")
        }
    }

    @Test func `a message whose headers cannot be read is none`() {
        let message = OutboxMessage(topic: "t", key: [], headers: [0, 5, 65], value: [], coalesces: false)
        #expect(OutboxContent.messages(OutboxContent([message]).bytes) == nil)
    }

    @Test func `the database shows the same messages`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        try connection.query(
            "insert into outbox (shard, messages, content) values (0, 4, $1)",
            [.bytes(content().bytes)]
        )
        let rows = try connection.query(
            "select place, topic, key, headers, value, coalesces from outbox_message order by place"
        )
        let shown = try rows.map {
            OutboxMessage(
                topic: try $0.string(1),
                key: try $0.bytes(2),
                headers: try $0.bytes(3),
                value: try $0.optionalBytes(4),
                coalesces: try $0.bool(5)
            )
        }
        #expect(shown == OutboxContent.messages(content().bytes))
        #expect(try rows.map { try $0.int(0) } == [1, 2, 3, 4])
    }

    @Test func `a transaction's messages lie in full rows that fit a page, in their order within a shard`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        let records = (0..<500).map { number in
            OutboxRecord(
                topic: "instance.status",
                key: Array("key-\(number % 50)".utf8),
                headers: [("ce_id", Array("\(number)".utf8))],
                value: Array(repeating: UInt8(number & 255), count: 600)
            )
        }
        let table = OutboxTable(shards: 4)
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try table.insert(records, in: transaction)
        }
        let rows = try OutboxRows(connection: connection).read([0: 200, 1: 200, 2: 200, 3: 200])
        for shard in 0..<4 {
            let found = (rows[shard]?.rows ?? []).flatMap(\.messages).map(\.headers)
            #expect(found == records.filter { table.shard(of: $0) == shard }.map { HeaderBytes.encode($0.headers) })
        }
        #expect(rows.values.reduce(0) { $0 + $1.rows.count } < 50)
        let apart = try connection.query(
            "select pg_relation_size(reltoastrelid) from pg_class where oid = 'outbox'::regclass"
        ).only().int64(0)
        #expect(apart == 0)
    }

    @Test func `of a shard with large rows no more is read at once than its share, and at least one`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        let large = OutboxRecord(
            topic: "instance.status",
            key: Array("a".utf8),
            headers: [],
            value: [UInt8](repeating: 7, count: 900_000)
        )
        var content = OutboxContent()
        content.append(large)
        try connection.query(
            "insert into outbox (shard, messages, content) values (7, 1, $1)",
            [.bytes(content.bytes)]
        )
        try connection.script(
            """
            insert into outbox (shard, messages, content)
            select shard, messages, content from outbox, generate_series(1, 49) where shard = 7
            """
        )
        let all = try connection.query("select id from outbox where shard = 7 order by id").map { try $0.int64(0) }
        func read(_ shards: Int) throws -> [Int64] {
            let limits = Dictionary(uniqueKeysWithValues: (0..<shards).map { ($0, 200) })
            return try OutboxRows(connection: connection).read(limits)[7]?.rows.map(\.id) ?? []
        }
        #expect(try read(8) == Array(all.prefix(5)), "4 MiB are begun with the fifth")
        #expect(try read(1000) == [all[0]])
    }
}
