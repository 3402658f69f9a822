import Foundation
import Kafka
import Postgres

/// The queues of keys whose head message failed: the SQL.
struct ParkedQueue {
    let group: String
    let topic: String

    /// How many lanes may end with the head message of a key in hand before it is given up without being looked at.
    ///
    /// More than of a fresh message: whoever loses the database in the midst of one has begun with it, too.
    static let livesOfACulprit = 3

    /// A key that is due, as found without a lock.
    struct DueKey {
        let key: [UInt8]
        let partition: Int32
    }

    /// A parked key under its row lock.
    struct LockedKey {
        let attempt: Int
        let failures: Int
        /// Whether an operator has given the head message up.
        let isDropped: Bool

        /// How often the head was tried and failed for such a cause.
        func tries(_ cause: FailedTry) -> Int { cause == .ofMessage ? attempt : failures }
    }

    /// A parked message.
    struct Parked {
        let id: Int64
        let message: KafkaMessage
    }

    /// Locks the rows of these keys, in one order, and returns those that exist with what waits behind them.
    func lock(_ keys: [[UInt8]], in transaction: borrowing PostgresTransaction) throws -> [[UInt8]: (
        messages: Int, bytes: Int
    )] {
        let rows = try transaction.query(
            """
            select key, messages, bytes from parked_key
            where consumer_group = $1 and topic = $2 and key = any($3)
            order by key for update
            """,
            [.text(group), .text(topic), .array(.byteas(keys))]
        )
        var found: [[UInt8]: (messages: Int, bytes: Int)] = [:]
        for row in rows { found[try row.bytes(0)] = (Int(try row.int32(1)), Int(try row.int64(2))) }
        return found
    }

    /// What waits with a key now, or `nil` where it is not parked; no lock is taken.
    func size(of key: [UInt8], on connection: PostgresConnection) throws -> (messages: Int, bytes: Int)? {
        try connection.query(
            "select messages, bytes from parked_key where consumer_group = $1 and topic = $2 and key = $3",
            [.text(group), .text(topic), .bytes(key)]
        ).first.map { (Int(try $0.int32(0)), Int(try $0.int64(1))) }
    }

    /// Parks a key with its first message.
    func open(
        _ message: KafkaMessageView,
        keeping kept: [(String, String)],
        reason: Reason,
        delay: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            """
            insert into parked_key (consumer_group, topic, key, partition, due, attempt, messages, bytes, reason_code,
                reason, parked_at)
            values ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond', 1, 0, 0, $6, $7, clock_timestamp())
            """,
            [
                .text(group), .text(topic), .bytes(message.keyBytes ?? []), .int32(message.partition), .int64(delay),
                .text(reason.code), .text(reason.sentence),
            ]
        )
        try append(message, keeping: kept, in: transaction)
    }

    /// Puts a message behind those of its key.
    func append(
        _ message: KafkaMessageView,
        keeping kept: [(String, String)],
        in transaction: borrowing PostgresTransaction
    ) throws {
        let key = message.keyBytes ?? []
        let headers = message.safeHeaders + kept.map { ($0.0, Array($0.1.utf8)) }
        try transaction.submit(
            """
            insert into parked_message (consumer_group, topic, key, partition, message_offset, timestamp_kind,
                timestamp_ms, headers, value, parked_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())
            """,
            [
                .text(group), .text(topic), .bytes(key), .int32(message.partition), .int64(message.offset),
                .int16(message.isBrokerTime ? 2 : 1), .int64(message.timestampMilliseconds),
                .bytes(HeaderBytes.encode(headers)), message.valueBytes.map { .bytes($0) } ?? .null,
            ]
        )
        try transaction.submit(
            """
            update parked_key set messages = messages + 1, bytes = bytes + $4
            where consumer_group = $1 and topic = $2 and key = $3
            """,
            [.text(group), .text(topic), .bytes(key), .int64(Int64(message.valueCount))]
        )
    }

    /// The keys that are due and whose head lies in one of these partitions; no lock is taken.
    ///
    /// The clock is read first: what is asked again for each row uses no index, and all that is parked would be read.
    func due(in partitions: [Int32], on connection: PostgresConnection) throws -> [DueKey] {
        try connection.query(
            """
            select key, partition from parked_key
            where consumer_group = $1 and topic = $2 and partition = any($3) and due <= (select clock_timestamp())
            order by due limit 20
            """,
            [.text(group), .text(topic), .array(.int32s(partitions))]
        ).map { DueKey(key: try $0.bytes(0), partition: try $0.int32(1)) }
    }

    /// Commits that a lane begins with the head message of a key, so that its worker's death is laid to it.
    ///
    /// - Returns: How many have begun with it, this one included; `nil` where it is not parked, or somebody keeps it locked.
    func begin(_ key: [UInt8], on connection: PostgresConnection) throws -> Int? {
        try connection.query(
            """
            update parked_key k set begun = k.begun + 1
            from (
                select ctid as place from parked_key where consumer_group = $1 and topic = $2 and key = $3
                for no key update skip locked
            ) free
            where k.ctid = free.place
            returning k.begun
            """,
            [.text(group), .text(topic), .bytes(key)]
        ).first.map { Int(try $0.int32(0)) }
    }

    /// Leaves a key alone for a while whose head is not at fault: a lane has begun with it, and lives, and no try is counted.
    ///
    /// - Returns: Whether it does; a key that somebody keeps locked stays as it is.
    func rest(
        _ key: [UInt8],
        reason: Reason,
        milliseconds: Int64,
        on connection: PostgresConnection
    ) throws(PostgresError) -> Bool {
        try connection.query(
            """
            update parked_key k
            set begun = greatest(0, k.begun - 1), due = clock_timestamp() + $4 * interval '1 millisecond',
                reason_code = $5, reason = $6
            from (
                select ctid as place from parked_key
                where consumer_group = $1 and topic = $2 and key = $3 and due <= clock_timestamp()
                for no key update skip locked
            ) free
            where k.ctid = free.place
            """,
            [
                .text(group), .text(topic), .bytes(key), .int64(milliseconds), .text(reason.code),
                .text(reason.sentence),
            ]
        ).affected > 0
    }

    /// Takes back that a lane has begun with the heads of keys: something else kept it from finishing, and it lives.
    ///
    /// Keys that somebody keeps locked are not waited for.
    func takeBack(_ keys: [[UInt8]], on connection: PostgresConnection) throws {
        _ = try connection.query(
            """
            update parked_key k set begun = greatest(0, k.begun - 1)
            from (
                select ctid as place from parked_key
                where consumer_group = $1 and topic = $2 and key = any($3) order by key
                for no key update skip locked
            ) free
            where k.ctid = free.place
            """,
            [.text(group), .text(topic), .array(.byteas(keys))]
        )
    }

    /// Locks a key that is still due, and whose head still is this message, in the same partition.
    ///
    /// Where the topic grew, what waits behind may lie in another one: that is for whoever owns it, and counted there. A key
    /// that somebody else keeps locked is not waited for, since others are to be tried.
    func lockDue(
        _ due: DueKey,
        head: Parked,
        in transaction: borrowing PostgresTransaction
    ) throws -> LockedKey? {
        let row = try transaction.query(
            """
            select attempt, dropped > 0, failures from parked_key
            where consumer_group = $1 and topic = $2 and key = $3 and partition = $4 and due <= clock_timestamp()
            for update skip locked
            """,
            [.text(group), .text(topic), .bytes(due.key), .int32(due.partition)]
        ).first
        guard let row else { return nil }
        let locked = LockedKey(
            attempt: Int(try row.int32(0)),
            failures: Int(try row.int32(2)),
            isDropped: try row.bool(1)
        )
        let oldest = try transaction.query(
            "select id from parked_message where consumer_group = $1 and topic = $2 and key = $3 order by id limit 1",
            [.text(group), .text(topic), .bytes(due.key)]
        ).first?.int64(0)
        return oldest == head.id ? locked : nil
    }

    /// The oldest message of a key; no lock is taken.
    func head(of key: [UInt8], realTopic: String, on connection: PostgresConnection) throws -> Parked? {
        guard
            let row = try connection.query(
                """
                select id, partition, message_offset, timestamp_kind, timestamp_ms, headers, value from parked_message
                where consumer_group = $1 and topic = $2 and key = $3 order by id limit 1
                """,
                [.text(group), .text(topic), .bytes(key)]
            ).first
        else { return nil }
        let headers = HeaderBytes.decode(try row.bytes(5)) ?? []
        return Parked(
            id: try row.int64(0),
            message: KafkaMessage(
                topic: realTopic,
                partition: try row.int32(1),
                offset: try row.int64(2),
                timestamp: KafkaTimestamp(
                    kind: try row.int(3) == 2 ? .logAppendTime : .createTime,
                    millisecondsSince1970: try row.int64(4)
                ),
                key: key,
                value: try row.optionalBytes(6),
                headers: headers.map { KafkaHeader(name: $0.0, value: $0.1) }
            )
        )
    }

    /// Takes the head message out; the key goes with its last message, and what waits behind is due at once.
    func remove(_ parked: Parked, key: [UInt8], in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit("delete from parked_message where id = $1", [.int64(parked.id)])
        try transaction.submit(
            """
            update parked_key set messages = messages - 1, bytes = bytes - $4, attempt = 0, failures = 0, begun = 0,
                due = clock_timestamp(), dropped = greatest(0, dropped - 1), partition = coalesce((select m.partition
                    from parked_message m where m.consumer_group = $1 and m.topic = $2 and m.key = $3
                    order by m.id limit 1), partition)
            where consumer_group = $1 and topic = $2 and key = $3
            """,
            [.text(group), .text(topic), .bytes(key), .int64(Int64(parked.message.valueCount))]
        )
        try transaction.submit(
            "delete from parked_key where consumer_group = $1 and topic = $2 and key = $3 and messages = 0",
            [.text(group), .text(topic), .bytes(key)]
        )
    }

    /// Puts the next try off.
    func postpone(
        _ key: [UInt8],
        _ cause: FailedTry,
        reason: Reason,
        delay: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let count = cause == .ofMessage ? "attempt" : "failures"
        try transaction.submit(
            """
            update parked_key set \(count) = \(count) + 1, begun = 0, due = clock_timestamp() + $4 * interval '1 millisecond',
                reason_code = $5, reason = $6
            where consumer_group = $1 and topic = $2 and key = $3
            """,
            [.text(group), .text(topic), .bytes(key), .int64(delay), .text(reason.code), .text(reason.sentence)]
        )
    }
}

/// Why a try of a parked message failed.
enum FailedTry {
    /// The message failed.
    case ofMessage
    /// Its transaction did, for what may have been the message or not.
    case ofTransaction
}
