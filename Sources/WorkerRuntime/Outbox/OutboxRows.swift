import Postgres

/// The SQL with which a relay reads and deletes rows: one statement each for all its shards.
struct OutboxRows {
    let connection: PostgresConnection

    /// How many bytes are read at once, of all shards together; of a shard that has rows at least the first is.
    private static let bytesAtOnce = 32 << 20

    /// The oldest rows of each shard in the order of their ids, at most so many; shards without rows are left out.
    ///
    /// A row may have a page or a megabyte: each shard has its share of what is read at once. How long a row is the server
    /// knows without reading it.
    func read(_ limits: [Int: Int]) throws -> [Int: WaitingRows] {
        let rows = try connection.query(
            """
            select o.id, o.content, wanted.shard
            from unnest($1::int[], $2::int[]) as wanted(shard, most)
            cross join lateral (
                select id, content,
                    sum(octet_length(content)) over (order by id rows unbounded preceding) - octet_length(content) as before
                from (select id, content from outbox where shard = wanted.shard order by id limit wanted.most) oldest
            ) o
            where o.before < $3
            """,
            [
                .array(.int32s(limits.keys.map { Int32($0) })), .array(.int32s(limits.values.map { Int32($0) })),
                .int64(Int64(Self.bytesAtOnce / max(1, limits.count))),
            ]
        )
        var found: [Int: [(id: Int64, messages: [OutboxMessage]?)]] = [:]
        for row in rows {
            let messages = OutboxContent.messages(try row.bytes(1))
            found[Int(try row.int32(2)), default: []].append((try row.int64(0), messages))
        }
        // They come in this order, but the join does not promise it.
        return found.mapValues { WaitingRows($0.sorted { $0.id < $1.id }) }
    }

    /// Deletes rows where the lease of their shard still has the epoch under which they were read.
    ///
    /// Its commit does not wait for the disk: a crash of the database right after it brings the rows back, and they are
    /// published again, in their order. What was committed after it, the rows that follow them above all, cannot be there
    /// without it.
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
            ), lazily as materialized (
                select set_config('synchronous_commit', 'off', true)
            )
            select shard from gone, lazily group by shard
            """,
            [.array(.int32s(gone.map(\.shard))), .array(.int64s(gone.map(\.epoch))), .array(.int64s(gone.map(\.id)))]
        )
        return Set(try rows.map { Int(try $0.int32(0)) })
    }

    /// Moves a message to those that the broker will never take, if the lease still has its epoch.
    ///
    /// Those of its row before it are published; those behind it stay.
    func setAside(_ place: Int, of row: OutboxRow, of shard: Int, epoch: Int64, reason: String) throws {
        let message = row.messages[place]
        let rest = OutboxContent(row.messages[(place + 1)...])
        _ = try connection.query(
            """
            with lease as (select from outbox_lease where shard = $1 and epoch = $2 for share),
                shorter as (
                    update outbox o set messages = $4, content = $5 from lease
                    where o.shard = $1 and o.id = $3 and $4 > 0
                    returning o.id),
                gone as (
                    delete from outbox o using lease
                    where o.shard = $1 and o.id = $3 and $4 = 0
                    returning o.id)
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
            select $6, $7, $8, $9, 'not_deliverable', $10
            from (select id from shorter union all select id from gone) done
            """,
            [
                .int32(Int32(shard)), .int64(epoch), .int64(row.id), .int32(Int32(rest.count)), .bytes(rest.bytes),
                .text(message.topic), .bytes(message.key), .bytes(message.headers), .optionalBytes(message.value),
                .text(reason),
            ]
        )
    }

    /// Takes the first messages of a row away, which the broker has, if the lease still has its epoch.
    func shorten(_ row: OutboxRow, by count: Int, of shard: Int, epoch: Int64) throws {
        guard count > 0 else { return }
        let rest = OutboxContent(row.messages[count...])
        _ = try connection.query(
            """
            with lease as (select from outbox_lease where shard = $1 and epoch = $2 for share)
            update outbox o set messages = $4, content = $5 from lease where o.shard = $1 and o.id = $3
            """,
            [.int32(Int32(shard)), .int64(epoch), .int64(row.id), .int32(Int32(rest.count)), .bytes(rest.bytes)]
        )
    }
}
