import Postgres

/// The SQL of every batch: the fence before it, the ledger behind it.
extension ClaimStore {
    /// The first statement: raises SW001 unless this lane still holds every partition where it stands.
    ///
    /// - Returns: The database's clock: microseconds since 1970.
    func fence(_ spans: [Span], in transaction: borrowing PostgresTransaction) throws(PostgresError) -> Int64 {
        try now(of: try submitFence(spans, in: transaction), in: transaction)
    }

    /// The same without waiting: what is submitted behind it is not run if it raises.
    func submitFence(
        _ spans: [Span],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> PostgresSubmission {
        try transaction.submit(
            "select fence($1, $2::text[], $3::int[], $4::bigint[], $5::bigint[])",
            [
                .text(group),
                .array(.texts(spans.map { _ in topic })),
                .array(.int32s(spans.map(\.partition))),
                .array(.int64s(spans.map(\.epoch))),
                .array(.int64s(spans.map(\.from))),
            ]
        )
    }

    /// The database's clock as the fence read it, microseconds since 1970; waits for it.
    func now(
        of fence: PostgresSubmission,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Int64 {
        try transaction.result(of: fence).only().timestamp(0)
    }

    /// The last statement: the claims stand behind the batch and the ledger has counted it.
    ///
    /// The fence holds their rows, so they lie where they were found: each is looked up by its key, and not all of the group's.
    /// A time that the producer set may be any number: one that has not come yet, or that the server cannot hold, is now.
    func advance(_ spans: [Span], in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        func counts(_ count: (Tally) -> Int) -> PostgresValue { .array(.int64s(spans.map { Int64(count($0.tally)) })) }
        try transaction.submit(
            """
            update partition_claim c
            set next_offset = m.next_offset, last_offset = m.last_offset, last_timestamp = m.last_timestamp,
                consumed_until = greatest(c.consumed_until, least(clock_timestamp(),
                    to_timestamp(least(greatest(m.last_timestamp, 0), 9000000000000000) / 1000.0))),
                claims_without_progress = 0, suspect_offset = null,
                consumed = c.consumed + m.consumed, applied = c.applied + m.applied,
                repeated = c.repeated + m.repeated, stale = c.stale + m.stale, rejected = c.rejected + m.rejected,
                dead_lettered = c.dead_lettered + m.dead_lettered, parked = c.parked + m.parked
            from unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
                as m(partition, next_offset, last_offset, last_timestamp, consumed, applied, repeated, stale, rejected,
                    dead_lettered, parked)
            cross join lateral (
                select o.ctid as place from partition_claim o
                where o.consumer_group = $1 and o.topic = $2 and o.partition = m.partition
                limit 1
            ) held
            where c.ctid = held.place
            """,
            [
                .text(group), .text(topic),
                .array(.int32s(spans.map(\.partition))), .array(.int64s(spans.map(\.to))),
                .array(.int64s(spans.map(\.lastOffset))), .array(.int64s(spans.map(\.lastTimestamp))),
                counts(\.consumed), counts(\.applied), counts(\.repeated), counts(\.stale), counts(\.rejected),
                counts(\.deadLettered), counts(\.parked),
            ]
        )
    }
}
