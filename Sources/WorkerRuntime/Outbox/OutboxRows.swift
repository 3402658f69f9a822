import Postgres

/// The SQL with which a relay reads and deletes rows: one statement each for all its shards.
struct OutboxRows {
    let connection: PostgresConnection

    /// The oldest rows of each shard in the order of their ids, at most so many; shards without rows are left out.
    func read(_ limits: [Int: Int]) throws -> [Int: [OutboxRow]] {
        let rows = try connection.query(
            """
            select o.id, o.topic, o.key, o.headers, o.value, o.coalesces, wanted.shard
            from unnest($1::int[], $2::int[]) as wanted(shard, most)
            cross join lateral (
                select * from outbox where outbox.shard = wanted.shard order by id limit wanted.most
            ) o
            """,
            [.array(.int32s(limits.keys.map { Int32($0) })), .array(.int32s(limits.values.map { Int32($0) }))]
        )
        var found: [Int: [OutboxRow]] = [:]
        for row in rows { found[Int(try row.int32(6)), default: []].append(try OutboxRow(row)) }
        // They come in this order, but the join does not promise it.
        return found.mapValues { $0.sorted { $0.id < $1.id } }
    }

    /// Deletes rows where the lease of their shard still has the epoch under which they were read.
    ///
    /// - Returns: The shards that are still held.
    func delete(_ published: [Int: RelayShards.Published]) throws -> Set<Int> {
        guard !published.isEmpty else { return [] }
        let gone = published.flatMap { shard, published in
            published.rows.map { (shard: Int32(shard), epoch: published.epoch, id: $0.id) }
        }
        let rows = try connection.query(
            """
            with gone as (
                delete from outbox o
                using outbox_lease l, unnest($1::int[], $2::bigint[], $3::bigint[]) as row(shard, epoch, id)
                where l.shard = row.shard and l.epoch = row.epoch and o.shard = row.shard and o.id = row.id
                returning o.shard
            )
            select shard from gone group by shard
            """,
            [.array(.int32s(gone.map(\.shard))), .array(.int64s(gone.map(\.epoch))), .array(.int64s(gone.map(\.id)))]
        )
        return Set(try rows.map { Int(try $0.int32(0)) })
    }

    /// Moves a row to those that the broker will never take, if the lease still has its epoch.
    func setAside(_ row: OutboxRow, of shard: Int, epoch: Int64, reason: String) throws {
        _ = try connection.query(
            """
            with gone as (
                delete from outbox o using outbox_lease l
                where l.shard = $1 and l.epoch = $2 and o.shard = $1 and o.id = $3
                returning o.id, o.topic, o.key, o.headers, o.value
            )
            insert into outbox_failed (id, topic, key, headers, value, reason_code, reason)
            select id, topic, key, headers, value, 'not_deliverable', $4 from gone
            """,
            [.int32(Int32(shard)), .int64(epoch), .int64(row.id), .text(reason)]
        )
    }
}
