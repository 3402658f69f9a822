import Foundation
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// How a lane says up to when its partitions were consumed.
@Suite struct ConsumedPartitionTests {
    private static let partitions: Range<Int32> = 0..<48
    private let url: String
    private let connection: PostgresConnection
    private let claims = ClaimStore(group: "g", topic: "t", owner: "lane")

    init() throws {
        url = try TestDatabase.make()
        connection = try PostgresConnection(PostgresConfiguration(url: url).forKeyedRows)
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset)
                select 'g', 't', n, 3, 7 from generate_series(0, 47) n
            """
        )
    }

    @discardableResult
    private func note(_ partitions: Range<Int32>, epoch: Int64 = 3) throws -> [Int32] {
        let until = try claims.now(on: connection)
        let consumed = partitions.map { ConsumedPartition(partition: $0, epoch: epoch, end: 9, until: until) }
        return try claims.note(consumed, on: connection)
    }

    private func noted() throws -> Int64 {
        try connection.query(
            "select count(*) from partition_claim where end_reached = 9 and consumed_until is not null"
        )
        .only().int64(0)
    }

    /// Rows of the claims that were looked up so far, by everybody.
    private func lookups() throws -> Int64 {
        _ = try connection.query("select pg_stat_force_next_flush()")
        _ = try connection.query("select 1")
        return try connection.query(
            "select idx_tup_fetch + seq_tup_read from pg_stat_user_tables where relname = 'partition_claim'"
        ).only().int64(0)
    }

    @Test func `what is noted is the time of the question, however long its answer and the statement took`() throws {
        let until = try claims.now(on: connection)
        let consumed = ConsumedPartition(partition: 0, epoch: 3, end: 9, until: until - 60_000_000)
        #expect(try claims.note([consumed], on: connection) == [])
        let noted = try connection.query("select consumed_until from partition_claim where partition = 0").only()
        #expect(try noted.timestamp(0) == until - 60_000_000)
    }

    @Test func `what was consumed is noted, but not of another lane's partitions`() throws {
        try note(0..<20)
        #expect(try noted() == 20)
        #expect(try note(20..<30, epoch: 2) == Array(20..<30), "which are to be claimed again")
        #expect(try noted() == 20)
    }

    @Test func `a claim that another transaction holds is left for the next time`() throws {
        let other = try TestDatabase.connect(url)
        try other.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try transaction.query("select 1 from partition_claim where partition = 5 for update")
            #expect(try note(Self.partitions) == [])
        }
        #expect(try noted() == 47)
    }

    @Test func `each claim is looked at a few times, however many there are`() throws {
        try note(Self.partitions)
        let before = try lookups()
        try note(Self.partitions)
        #expect(try lookups() - before < 10 * Int64(Self.partitions.count))
    }
}
