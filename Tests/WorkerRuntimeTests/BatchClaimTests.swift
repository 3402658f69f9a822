import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// The fence of a batch and the ledger behind it, which each batch pays for.
@Suite struct BatchClaimTests {
    private let connection: PostgresConnection
    private let claims = ClaimStore(group: "g", topic: "t", owner: "lane")

    init() throws {
        connection = try PostgresConnection(PostgresConfiguration(url: try TestDatabase.make()).forKeyedRows)
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset)
                select 'g', 't', n, 3, 7 from generate_series(0, 999) n;
            analyze partition_claim
            """
        )
    }

    private func span(_ partition: Int32, epoch: Int64 = 3, from: Int64 = 7) -> Span {
        var span = Span(
            partition: partition,
            epoch: epoch,
            from: from,
            to: from + 2,
            lastOffset: from + 1,
            lastTimestamp: 1000
        )
        span.tally.count(.applied)
        span.tally.count(.stale)
        return span
    }

    private func rowsRead() throws -> Int64 {
        try connection.query(
            """
            select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint
            from pg_stat_xact_user_tables where relname = 'partition_claim'
            """
        ).only().int64(0)
    }

    @Test func `a batch looks only at the claims of its own partitions, and moves them on`() throws {
        let spans = [span(4), span(900)]
        for round in 0..<7 {
            let spans = spans.map { span($0.partition, from: $0.from + 2 * Int64(round)) }
            let read = try connection.transaction { (transaction: borrowing PostgresTransaction) in
                let before = try rowsRead()
                #expect(try claims.fence(spans, in: transaction) > 0)
                try claims.advance(spans, in: transaction)
                return try rowsRead() - before
            }
            #expect((2..<50).contains(read), "round \(round)")
        }
        let moved = try connection.query(
            """
            select partition, next_offset, consumed, applied, stale from partition_claim
            where next_offset <> 7 order by partition
            """
        ).map { row in try (0..<5).map { $0 == 0 ? Int64(try row.int32($0)) : try row.int64($0) } }
        #expect(moved == [[4, 21, 14, 7, 7], [900, 21, 14, 7, 7]])
    }

    @Test(arguments: [(4, 2, 7), (4, 3, 8), (1000, 3, 7)] as [(Int32, Int64, Int64)])
    func `one claim that is another's, or stands elsewhere, or is not there fences all of the batch`(
        partition: Int32,
        epoch: Int64,
        from: Int64
    ) throws {
        let error = #expect(throws: PostgresError.self) {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                _ = try claims.fence([span(1), span(partition, epoch: epoch, from: from)], in: transaction)
            }
        }
        #expect(error?.sqlState?.rawValue == "SW001")
    }
}
