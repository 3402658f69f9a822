import Kafka
import Logging
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// Where a lane goes on that takes a partition, by what the broker says of its ends before and after.
@Suite struct ClaimPositionTests {
    private let connection: PostgresConnection
    private let claims = ClaimStore(group: "g", topic: "t", owner: "lane")

    init() throws {
        connection = try TestDatabase.connect(try TestDatabase.make())
    }

    struct Case: Sendable {
        let before: KafkaWatermarks
        /// What is read once more; `nil` where nothing is.
        let after: KafkaWatermarks?
        let next: Int64
        /// `nil` where it is the next message.
        let start: Int64?
        let incarnation: Int32
        let growths: Int64
        let lost: Int64

        init(
            _ before: KafkaWatermarks,
            then after: KafkaWatermarks? = nil,
            next: Int64,
            start: Int64? = nil,
            incarnation: Int32 = 1,
            growths: Int64 = 1,
            lost: Int64 = 0
        ) {
            (self.before, self.after, self.next, self.start) = (before, after, next, start)
            (self.incarnation, self.growths, self.lost) = (incarnation, growths, lost)
        }
    }

    private static func ends(_ low: Int64, _ high: Int64) -> KafkaWatermarks { KafkaWatermarks(low: low, high: high) }

    @Test(arguments: [
        Case(ends(0, 9), next: 9, start: 8),
        Case(ends(0, 20), next: 9, start: 8),
        Case(ends(12, 20), next: 12, lost: 3),
        // The former owner handled two messages that came behind the end, before the row was this lane's.
        Case(ends(0, 7), then: ends(0, 9), next: 9, start: 8),
        Case(ends(0, 7), then: ends(0, 30), next: 9, start: 8),
        // It still ends before: it is another topic.
        Case(ends(0, 7), then: ends(0, 7), next: 0, incarnation: 2, growths: 0),
        Case(ends(0, 7), then: ends(3, 8), next: 3, incarnation: 2, growths: 0),
    ])
    func `only an end that is read behind the claim shows that a topic was made anew`(found: Case) throws {
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset, last_offset, last_timestamp)
            values ('g', 't', 0, 9, 8, 1);
            insert into topic_growth (topic, partitions_before, partitions_after, ends) values ('t', 1, 2, array[9])
            """
        )
        var epoch: Int64?
        let logger = Logger(label: "test")
        let claim = try claims.claim(0, watermarks: found.before, on: connection, logger: logger) {
            epoch = try connection.query("select epoch from partition_claim").only().int64(0)
            return found.after ?? found.before
        }
        #expect(claim.nextOffset == found.next)
        #expect(claim.startOffset == (found.start ?? found.next))
        #expect(epoch == (found.after == nil ? nil : claim.epoch), "it is asked once nobody else can move it")
        let row = try connection.query(
            "select next_offset, incarnation, lost_to_retention, (select count(*) from topic_growth) from partition_claim"
        ).only()
        #expect(try [row.int64(0), row.int64(2), row.int64(3)] == [found.next, found.lost, found.growths])
        #expect(try row.int32(1) == found.incarnation)
    }

    @Test func `a broker that does not say where the partition ends now leaves the claim for later`() throws {
        try connection.script(
            "insert into partition_claim (consumer_group, topic, partition, next_offset) values ('g', 't', 0, 9)"
        )
        let logger = Logger(label: "test")
        #expect(throws: KafkaError.self) {
            try claims.claim(0, watermarks: Self.ends(0, 7), on: connection, logger: logger) {
                throw KafkaError(.timedOut, operation: "read the watermarks")
            }
        }
        #expect(try connection.query("select next_offset from partition_claim").only().int64(0) == 9)
    }
}
