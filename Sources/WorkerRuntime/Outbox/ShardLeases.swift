import Postgres

/// Who publishes which shard: the SQL of the leases, all by the database's clock.
struct ShardLeases {
    /// A lease of one shard.
    struct Lease {
        let epoch: Int64
        /// The transactional id of the producer that last published the shard, if it may still hold rows of it.
        let producer: String?
    }

    let owner: String
    let duration: Duration

    /// Extends the leases that are still held, then takes free ones up to this relay's share.
    ///
    /// - Parameter unrefused: Producers that the broker did not refuse lately: shards of theirs are left to others.
    /// - Returns: The leases of the shards that are held now.
    func renew(
        holding: [Int: Int64],
        without unrefused: [String] = [],
        on connection: PostgresConnection
    ) throws -> [Int: Lease] {
        let seconds = PostgresValue.double(Double(duration.milliseconds) / 1000)
        _ = try connection.query(
            """
            insert into outbox_relay (owner, seen_at) values ($1, clock_timestamp())
            on conflict (owner) do update set seen_at = excluded.seen_at
            """,
            [.text(owner)]
        )
        let mine = holding.sorted { $0.key < $1.key }
        var held: [Int: Lease] = [:]
        let renewed = try connection.query(
            """
            update outbox_lease l set lease_until = clock_timestamp() + $4 * interval '1 second'
            from unnest($2::int[], $3::bigint[]) as mine(shard, epoch)
            where l.shard = mine.shard and l.epoch = mine.epoch and l.owner = $1
            returning l.shard, l.epoch, l.producer
            """,
            [
                .text(owner), .array(.int32s(mine.map { Int32($0.key) })), .array(.int64s(mine.map(\.value))), seconds,
            ]
        )
        for row in renewed { held[Int(try row.int32(0))] = try Lease(row) }
        let taken = try connection.query(
            """
            with free as materialized (
                select shard from outbox_lease where lease_until < clock_timestamp()
                    and (producer is null or producer <> all($4))
                order by shard
                limit greatest(0, (
                    select ceil(count(*)::numeric / greatest(1, (select count(*) from outbox_relay
                        where seen_at > clock_timestamp() - $2 * interval '1 second')))
                    from outbox_lease) - $3)
                for update skip locked
            )
            update outbox_lease l
            set owner = $1, epoch = l.epoch + 1, lease_until = clock_timestamp() + $2 * interval '1 second'
            from free
            where l.shard = free.shard
            returning l.shard, l.epoch, l.producer
            """,
            [.text(owner), seconds, .int32(Int32(held.count)), .array(.texts(unrefused))]
        )
        for row in taken { held[Int(try row.int32(0))] = try Lease(row) }
        return held
    }

    /// How many shards this relay holds beyond its share of the living relays.
    func surplus(holding count: Int, on connection: PostgresConnection) throws -> Int {
        let row = try connection.query(
            """
            select ceil((select count(*) from outbox_lease)::numeric / greatest(1, count(*)))::int
            from outbox_relay where seen_at > clock_timestamp() - $1 * interval '1 second'
            """,
            [.double(Double(duration.milliseconds) / 1000)]
        ).first
        guard let share = try row?.int32(0) else { return 0 }
        return max(0, count - Int(share))
    }

    /// Notes which producer publishes shards from now on, after the former ones were refused.
    func adopt(_ leases: [Int: Lease], producer: String?, on connection: PostgresConnection) throws {
        let mine = leases.sorted { $0.key < $1.key }
        _ = try connection.query(
            """
            update outbox_lease l set producer = $1
            from unnest($2::int[], $3::bigint[]) as mine(shard, epoch)
            where l.shard = mine.shard and l.epoch = mine.epoch
            """,
            [
                .optionalText(producer), .array(.int32s(mine.map { Int32($0.key) })),
                .array(.int64s(mine.map(\.value.epoch))),
            ]
        )
    }

    /// Lets others take these shards at once.
    ///
    /// - Parameter isSettled: Whether the producer holds nothing of them, so that nobody need have it refused.
    func giveUp(_ shards: [Int], isSettled: Bool, on connection: PostgresConnection) throws {
        _ = try connection.query(
            """
            update outbox_lease
            set lease_until = '-infinity', owner = null, producer = case when $3 then null else producer end
            where owner = $1 and shard = any($2)
            """,
            [.text(owner), .array(.int32s(shards.map { Int32($0) })), .bool(isSettled)]
        )
    }

    /// Counts this relay no more among those that share the shards: the others' shares grow at once.
    func leave(on connection: PostgresConnection) throws {
        _ = try connection.query("delete from outbox_relay where owner = $1", [.text(owner)])
    }

    /// How many messages wait; where there are very many, at least so many.
    func waitingMessages(on connection: PostgresConnection) throws -> Int {
        let row = try connection.query(
            "select coalesce(sum(messages), 0)::bigint from (select messages from outbox limit 10000) rows"
        ).first
        return Int(try row?.int64(0) ?? 0)
    }
}

extension ShardLeases.Lease {
    /// Reads the columns shard, epoch and producer.
    fileprivate init(_ row: PostgresRow) throws(PostgresError) {
        self.init(epoch: try row.int64(1), producer: try row.optionalString(2))
    }
}
