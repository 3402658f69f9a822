import Kafka
import Logging
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// Which partitions a group must leave alone while a topic grows, decided by the database.
@Suite struct HeldBackTests {
    private let connection: PostgresConnection
    private let claims = ClaimStore(group: "g", topic: "t", owner: "lane")

    init() throws {
        connection = try TestDatabase.connect(try TestDatabase.make())
    }

    /// Lets the group stand at these offsets of the first partitions; `nil` was never claimed.
    private func stand(_ offsets: [Int64?], end: Int64? = nil, group: String = "g") throws {
        for (partition, offset) in offsets.enumerated() {
            guard let offset else { continue }
            _ = try connection.query(
                """
                insert into partition_claim (consumer_group, topic, partition, next_offset, end_reached)
                values ($1, 't', $2, $3, $4)
                on conflict (consumer_group, topic, partition) do update
                    set next_offset = excluded.next_offset, end_reached = excluded.end_reached
                """,
                [.text(group), .int32(Int32(partition)), .int64(offset), .optionalInt64(end)]
            )
        }
    }

    private func held() throws -> [Int32] {
        try (0..<7).filter { try claims.isHeldBack($0, on: connection) }
    }

    /// Claims a partition that ends there, before and after.
    private func claim(_ partition: Int32, high: Int64) throws -> PartitionClaim {
        let watermarks = KafkaWatermarks(low: 0, high: high)
        let logger = Logger(label: "test")
        return try claims.claim(partition, watermarks: watermarks, on: connection, logger: logger) { watermarks }
    }

    @Test func `nothing is held back where nothing grew`() throws {
        #expect(try held() == [])
        try TopicGrowth(of: "other", from: 1, to: 7).begin(on: connection)
        #expect(try held() == [])
    }

    @Test func `new partitions are held back until every old one was read to its noted end`() throws {
        let growth = try TopicGrowth(of: "t", from: 2, to: 4)
        try growth.begin(on: connection)
        #expect(try held() == [2, 3], "ends are not noted yet")
        try stand([100, 100])
        #expect(try held() == [2, 3])
        try growth.note(ends: [100, 101], on: connection)
        #expect(try held() == [2, 3], "one message is missing")
        try stand([100, 101])
        #expect(try held() == [])
        try stand([nil, nil], group: "other")
        let other = ClaimStore(group: "other", topic: "t", owner: "lane")
        #expect(try other.isHeldBack(2, on: connection), "each group reads for itself")
    }

    @Test func `an old partition that nobody claimed counts as unread, unless it was empty`() throws {
        let growth = try TopicGrowth(of: "t", from: 2, to: 4)
        try growth.begin(on: connection)
        try growth.note(ends: [5, 1], on: connection)
        try stand([5, nil])
        #expect(try held() == [2, 3])
        try connection.script("update topic_growth set ends = array[5, 0]::bigint[]")
        #expect(try held() == [])
    }

    @Test func `an end that only marks of transactions lie before is reached without a message`() throws {
        let growth = try TopicGrowth(of: "t", from: 1, to: 2)
        try growth.begin(on: connection)
        try growth.note(ends: [12], on: connection)
        try stand([11])
        #expect(try held() == [1])
        try stand([11], end: 12)
        #expect(try held() == [])
    }

    @Test func `a second growth holds its own new partitions back`() throws {
        let first = try TopicGrowth(of: "t", from: 1, to: 3)
        try first.begin(on: connection)
        try first.note(ends: [1], on: connection)
        try stand([1, 7, 7])
        let second = try TopicGrowth(of: "t", from: 3, to: 6)
        try second.begin(on: connection)
        #expect(try TopicGrowth.unfinished(of: "t", on: connection) == second)
        try second.note(ends: [1, 7, 8], on: connection)
        #expect(try held() == [3, 4, 5])
        try stand([1, 7, 8])
        #expect(try held() == [])
        #expect(try TopicGrowth.unfinished(of: "t", on: connection) == nil)
    }

    @Test func `a key counts as handled as far as was read what it may have moved to, through every growth`() throws {
        try connection.script(
            """
            insert into topic_growth (topic, partitions_before, partitions_after, begun_at, ends)
            values ('t', 1, 2, 'epoch', array[1]),
                ('t', 2, 4, timestamptz 'epoch' + interval '10 seconds', array[1, 1]);
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed_until)
            select 'g', 't', number, 1, timestamptz 'epoch' + (40 - number) * interval '1 second'
            from generate_series(0, 2) number
            """
        )
        func handled(_ partition: Int32?) throws -> Int64? {
            try connection.query(
                "select (extract(epoch from handled_until('g', 't', $1, 'k')))::bigint",
                [.optionalInt32(partition)]
            ).only().optionalInt64(0)
        }
        #expect(try [0, 1, 2, nil].map(handled) == [10, 10, 38, 10], "nobody has claimed the last one, of 1 and of 0")
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed_until)
            values ('g', 't', 3, 1, timestamptz 'epoch' + interval '50 seconds')
            """
        )
        #expect(try [0, 1, 2, 3, nil].map(handled) == [38, 39, 38, 50, 38])
    }

    @Test func `a topic that was made anew has not grown`() throws {
        let growth = try TopicGrowth(of: "t", from: 1, to: 2)
        try growth.begin(on: connection)
        try growth.note(ends: [9], on: connection)
        try stand([9])
        let claim = try claim(0, high: 3)
        #expect(claim.nextOffset == 0)
        #expect(try held() == [], "the ends that are to be reached are those of the former topic")
    }

    @Test func `a partition that lost its newest messages ends no growth whose ends are there`() throws {
        let growth = try TopicGrowth(of: "t", from: 2, to: 4)
        try growth.begin(on: connection)
        try growth.note(ends: [5, 9], on: connection)
        try stand([7, 12])
        #expect(try held() == [])
        let first = try claim(0, high: 6)
        #expect(first.nextOffset == 0)
        #expect(try held() == [2, 3], "what is left is read up to the noted end first")
        let second = try claim(1, high: 12)
        let gone = PartitionClaim(epoch: second.epoch - 1, nextOffset: 12)
        let short = KafkaWatermarks(low: 0, high: 8)
        try claims.restart(1, claim: gone, watermarks: short, on: connection)
        #expect(try held() == [2, 3], "that lane has the partition no longer")
        try claims.restart(1, claim: second, watermarks: short, on: connection)
        #expect(try held() == [], "nobody can read up to 9")
    }

    @Test func `a growth that the broker refused is taken back, and only more partitions are one`() throws {
        let growth = try TopicGrowth(of: "t", from: 1, to: 2)
        try growth.begin(on: connection)
        try growth.cancel(on: connection)
        #expect(try held() == [])
        #expect(throws: StartError.self) { try TopicGrowth(of: "t", from: 4, to: 4) }
        #expect(throws: StartError.self) { try TopicGrowth(of: "t", from: 4, to: 3) }
        #expect(throws: StartError.self) { try growth.note(ends: [1, 2], on: connection) }
    }

    @Test func `a number that is no multiple is refused, since keys would move between the old partitions`() throws {
        let refusal = #expect(throws: StartError.self) { try TopicGrowth(of: "t", from: 4, to: 6) }
        #expect(refusal.map { "\($0)" }?.contains("a multiple of it, such as 8") == true)
        // With a multiple a key stays where it is or moves to a new one.
        for key in (0..<1000).map({ Array("key\($0)".utf8) }) {
            let (before, after) = (
                KafkaPartitioner.murmur2(key, partitions: 4), KafkaPartitioner.murmur2(key, partitions: 12)
            )
            #expect(after == before || after >= 4)
        }
    }
}
