import Kafka
import Logging
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// When a message is held to be what ends its workers, decided by the database.
@Suite struct SuspectTests {
    private let connection: PostgresConnection
    private let claims = ClaimStore(group: "g", topic: "t", owner: "lane")
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        connection = try TestDatabase.connect(try TestDatabase.make())
    }

    private func claim() throws -> PartitionClaim {
        let watermarks = KafkaWatermarks(low: 0, high: 100)
        return try claims.claim(0, watermarks: watermarks, on: connection, logger: logger) { watermarks }
    }

    @Test func `a message is condemned when two lives have ended on it, also behind marks of producers' transactions`()
        throws
    {
        var claim = try claim()
        #expect(claim.nextOffset == 0 && claim.condemnedOffset == nil)
        for _ in 1...3 { try claims.suspect(2, partition: 0, epoch: claim.epoch, on: connection) }
        claim = try self.claim()
        #expect(claim.condemnedOffset == nil, "several tries of one life are one")
        try claims.suspect(2, partition: 0, epoch: claim.epoch, on: connection)
        #expect(try self.claim().condemnedOffset == 2)
    }

    @Test func `another message begins anew, and what is behind the claim is nobody's fault`() throws {
        for offset: Int64 in [2, 3] {
            try claims.suspect(offset, partition: 0, epoch: try claim().epoch, on: connection)
        }
        #expect(try claim().condemnedOffset == nil)
        try claims.suspect(3, partition: 0, epoch: try claim().epoch, on: connection)
        try connection.script("update partition_claim set next_offset = 4")
        #expect(try claim().condemnedOffset == nil)
    }

    @Test func `a key counts who has begun with its head, until that is finished or put off`() throws {
        let queue = ParkedQueue(group: "g", topic: "t")
        let message = KafkaMessageView(topic: "t", key: "k", headers: [], value: [1])
        let reason = Reason(code: "handler_failed", sentence: "It failed.")
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try queue.open(message, keeping: [], reason: reason, delay: 0, in: transaction)
        }
        #expect(
            try [queue.begin(Array("k".utf8), on: connection), queue.begin(Array("k".utf8), on: connection)] == [1, 2]
        )
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try queue.postpone(Array("k".utf8), .ofMessage, reason: reason, delay: 0, in: transaction)
        }
        #expect(try queue.begin(Array("k".utf8), on: connection) == 1)
        #expect(try queue.begin(Array("other".utf8), on: connection) == nil)
        let retried = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try ParkedDesk(connection).retry(ParkedDesk.Filter(topic: "t"), in: transaction)
        }
        #expect(retried == 1)
        #expect(try queue.begin(Array("k".utf8), on: connection) == 1, "an operator has it tried anew")
        try queue.takeBack([Array("k".utf8)], on: connection)
        #expect(try queue.begin(Array("k".utf8), on: connection) == 1, "who lives has not ended with it")
    }
}
