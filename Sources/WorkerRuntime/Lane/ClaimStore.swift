import CoreMetrics
import Kafka
import Logging
import Postgres

/// The SQL of claims: taking one, and moving it on.
struct ClaimStore {
    let group: String
    /// The logical topic; claims do not depend on the fleet's prefix beyond the group's.
    let topic: String
    let owner: String

    /// How many lives must have ended on a message before it is condemned.
    ///
    /// One is no proof: the lanes of a process die together, and only one of them holds the message that is to blame.
    private static let livesOfACulprit = 2

    /// The offset of the next message, or `nil` when the partition was never claimed.
    func nextOffset(_ partition: Int32, on connection: PostgresConnection) throws -> Int64? {
        try connection.query(
            "select next_offset from partition_claim where consumer_group = $1 and topic = $2 and partition = $3",
            [.text(group), .text(topic), .int32(partition)]
        ).first?.int64(0)
    }

    /// Whether the partition was added to the topic and older ones are still to be read; see ``TopicGrowth``.
    func isHeldBack(_ partition: Int32, on connection: PostgresConnection) throws -> Bool {
        try connection.query(
            "select is_held_back($1, $2, $3)",
            [.text(group), .text(topic), .int32(partition)]
        ).only().bool(0)
    }

    /// Raises the epoch and takes the partition.
    ///
    /// Ends the session of a former owner that keeps the row locked.
    ///
    /// - Parameters:
    ///   - watermarks: The partition's ends, read before.
    ///   - again: Reads them once more. A former owner may have consumed what was written since, until this lane took the
    ///     partition; only what is told of its end later shows that the topic is another one.
    func claim(
        _ partition: Int32,
        watermarks: KafkaWatermarks,
        on connection: PostgresConnection,
        logger: Logger,
        again: () throws -> KafkaWatermarks
    ) throws -> PartitionClaim {
        var claim = try takeFromOwner(partition, watermarks: watermarks, on: connection, logger: logger)
        guard claim.nextOffset > watermarks.high else { return claim }
        let newest = try again()
        guard claim.nextOffset > newest.high else { return claim }
        logger.error(
            "the topic ends before the stored offset: it was made anew; starting at its oldest message",
            metadata: [LogKey.partition: "\(partition)", LogKey.offset: "\(claim.nextOffset)"]
        )
        try restart(partition, claim: claim, watermarks: newest, on: connection)
        RuntimeMetrics.topicRemade.increment()
        claim.nextOffset = newest.low
        claim.condemnedOffset = nil
        claim.lastHandled = nil
        return claim
    }

    private func takeFromOwner(
        _ partition: Int32,
        watermarks: KafkaWatermarks,
        on connection: PostgresConnection,
        logger: Logger
    ) throws -> PartitionClaim {
        do {
            return try take(partition, watermarks: watermarks, on: connection, logger: logger)
        } catch let error as PostgresError where error.sqlState?.rawValue == "55P03" {
            logger.warning(
                "the former owner keeps the claim locked; ending its session",
                metadata: [LogKey.partition: "\(partition)"]
            )
            try endSessionOfOwner(partition, on: connection)
            return try take(partition, watermarks: watermarks, on: connection, logger: logger)
        }
    }

    private func take(
        _ partition: Int32,
        watermarks: KafkaWatermarks,
        on connection: PostgresConnection,
        logger: Logger
    ) throws -> PartitionClaim {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try take(partition, watermarks: watermarks, in: transaction, logger: logger)
        }
    }

    private func take(
        _ partition: Int32,
        watermarks: KafkaWatermarks,
        in transaction: borrowing PostgresTransaction,
        logger: Logger
    ) throws -> PartitionClaim {
        _ = try transaction.query("select set_config('lock_timeout', '1s', true)")
        let row = try transaction.query(
            """
            insert into partition_claim as c
                (consumer_group, topic, partition, epoch, next_offset, owner, owner_pid, owner_started, claimed_at)
            values ($1, $2, $3, 1, $4, $5, pg_backend_pid(),
                (select backend_start from pg_stat_activity where pid = pg_backend_pid()), clock_timestamp())
            on conflict (consumer_group, topic, partition) do update
                set epoch = c.epoch + 1, owner = excluded.owner, owner_pid = excluded.owner_pid,
                    owner_started = excluded.owner_started, claimed_at = excluded.claimed_at,
                    claims_without_progress = case when c.next_offset < $6 then c.claims_without_progress + 1 else 0 end
            returning epoch, next_offset, last_offset, last_timestamp, suspect_offset, claims_without_progress,
                suspect_lives
            """,
            [
                .text(group), .text(topic), .int32(partition), .int64(watermarks.low), .text(owner),
                .int64(watermarks.high),
            ]
        )
        guard let row = row.first else {
            throw Reason(code: "claim_failed", sentence: "The claim of partition \(partition) returned no row.")
        }
        var claim = PartitionClaim(epoch: try row.int64(0), nextOffset: try row.int64(1))
        claim.isCautious = try row.int32(5) >= 2
        // Between the last message and the suspected one there may be marks of producers' transactions.
        if let suspect = try row.optionalInt64(4), suspect >= claim.nextOffset,
            try row.int32(6) >= Self.livesOfACulprit
        {
            claim.condemnedOffset = suspect
        }
        let lastOffset = try row.optionalInt64(2)
        let lastTimestamp = try row.optionalInt64(3)
        try passOver(upTo: watermarks.low, &claim, partition, in: transaction, logger: logger)
        if let lastOffset, let lastTimestamp, lastOffset < claim.nextOffset, lastOffset >= watermarks.low {
            claim.lastHandled = (lastOffset, lastTimestamp)
        }
        return claim
    }

    /// Moves a position that Kafka no longer has to the oldest message, loudly.
    private func passOver(
        upTo low: Int64,
        _ claim: inout PartitionClaim,
        _ partition: Int32,
        in transaction: borrowing PostgresTransaction,
        logger: Logger
    ) throws {
        let lost = low - claim.nextOffset
        guard lost > 0 else { return }
        logger.error(
            "retention took \(lost) messages before they were consumed; going on at the oldest",
            metadata: [LogKey.partition: "\(partition)", LogKey.offset: "\(claim.nextOffset)"]
        )
        RuntimeMetrics.lostToRetention.increment(by: Int(lost))
        claim.nextOffset = low
        claim.condemnedOffset = nil
        _ = try transaction.query(
            """
            update partition_claim
            set next_offset = $4, lost_to_retention = lost_to_retention + $5,
                last_offset = null, last_timestamp = null, suspect_offset = null, end_reached = null
            where consumer_group = $1 and topic = $2 and partition = $3
            """,
            [.text(group), .text(topic), .int32(partition), .int64(low), .int64(lost)]
        )
    }

    /// Notes that the topic is another one than before, and that reading begins at its oldest message.
    ///
    /// A growth of the former topic is forgotten where its noted end lies behind this one's: nobody would ever read up to
    /// it. A growth whose ends are there is waited for as ever, since one partition may have lost its newest messages.
    func restart(
        _ partition: Int32,
        claim: PartitionClaim,
        watermarks: KafkaWatermarks,
        on connection: PostgresConnection
    ) throws {
        _ = try connection.query(
            """
            with restarted as (
                update partition_claim
                set next_offset = $5, incarnation = incarnation + 1, last_offset = null, last_timestamp = null,
                    suspect_offset = null, end_reached = null
                where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $4
                returning topic
            )
            delete from topic_growth g using restarted r where g.topic = r.topic and g.ends[$3::int + 1] > $6
            """,
            [
                .text(group), .text(topic), .int32(partition), .int64(claim.epoch), .int64(watermarks.low),
                .int64(watermarks.high),
            ]
        )
    }

    /// Commits that this message is about to be handled, so that its worker's death is laid to it; `nil`: that none is.
    func suspect(_ offset: Int64?, partition: Int32, epoch: Int64, on connection: PostgresConnection) throws {
        _ = try connection.query(
            """
            update partition_claim
            set suspect_lives = case
                    when suspect_offset is distinct from $5 then 1
                    when suspect_epoch is distinct from $4 then suspect_lives + 1
                    else suspect_lives end,
                suspect_offset = $5, suspect_epoch = $4
            where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $4
            """,
            [.text(group), .text(topic), .int32(partition), .int64(epoch), .optionalInt64(offset)]
        )
    }

    /// The database's clock: microseconds since 1970.
    func now(on connection: PostgresConnection) throws(PostgresError) -> Int64 {
        try connection.query("select clock_timestamp()").only().timestamp(0)
    }

    /// Says that these partitions were consumed up to some time, and that they end where they were read to.
    ///
    /// The locks are taken before the join, of which they would be taken again for each row.
    ///
    /// - Returns: The partitions that have another claim by now, such as one that an operator moved.
    func note(_ consumed: [ConsumedPartition], on connection: PostgresConnection) throws -> [Int32] {
        guard !consumed.isEmpty else { return [] }
        return try connection.query(
            """
            with held as materialized (
                select c.partition, mine.ending, mine.until from partition_claim c
                join unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[]) as mine(partition, epoch, ending, until)
                    on c.partition = mine.partition and c.epoch = mine.epoch
                where c.consumer_group = $1 and c.topic = $2
                order by c.partition for no key update of c skip locked
            ), noted as (
                update partition_claim c
                set consumed_until = greatest(c.consumed_until,
                        timestamptz 'epoch' + held.until * interval '1 microsecond'),
                    end_reached = held.ending
                from held
                where c.consumer_group = $1 and c.topic = $2 and c.partition = held.partition
            )
            select c.partition from partition_claim c
            join unnest($3::int[], $4::bigint[]) as mine(partition, epoch)
                on c.partition = mine.partition and c.epoch <> mine.epoch
            where c.consumer_group = $1 and c.topic = $2 order by c.partition
            """,
            [
                .text(group), .text(topic), .array(.int32s(consumed.map(\.partition))),
                .array(.int64s(consumed.map(\.epoch))), .array(.int64s(consumed.map(\.end))),
                .array(.int64s(consumed.map(\.until))),
            ]
        ).map { try $0.int32(0) }
    }

    private func endSessionOfOwner(_ partition: Int32, on connection: PostgresConnection) throws {
        _ = try connection.query(
            """
            select pg_terminate_backend(a.pid)
            from partition_claim c
            join pg_stat_activity a on a.pid = c.owner_pid and a.backend_start = c.owner_started
            where c.consumer_group = $1 and c.topic = $2 and c.partition = $3 and a.pid <> pg_backend_pid()
            """,
            [.text(group), .text(topic), .int32(partition)]
        )
    }
}

/// A partition that was read to its end.
struct ConsumedPartition {
    let partition: Int32
    /// The epoch of the claim: another lane's partition is left as it is.
    let epoch: Int64
    /// Where it ends.
    let end: Int64
    /// Up to when that is so, by the database's clock: microseconds since 1970.
    let until: Int64
}
