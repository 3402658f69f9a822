public import Postgres

/// What an operator can do about messages that a relay set aside, once the brokers would take them.
///
/// They go back into the outbox in the order in which they were written, behind what waits there now; the relay sends them.
/// Of a compacted topic the newest state is published instead: an old one must not become the last word on its key.
public struct UndeliveredDesk {
    /// A message that was set aside.
    public struct Message: Sendable {
        /// Its number, in the order of setting aside.
        public let id: Int64
        /// The logical topic.
        public let topic: String
        /// The Kafka key.
        public let key: [UInt8]
        /// How many bytes its value has.
        public let bytes: Int64
        /// Since when it lies there, microseconds since 1970.
        public let failedAt: Int64
        /// What the broker said.
        public let reason: String
    }

    /// Which messages are meant; what is left out does not matter.
    public struct Filter: Sendable {
        /// The logical topic.
        public var topic: String?
        /// The Kafka key.
        public var key: String?

        /// Makes a filter.
        public init(topic: String? = nil, key: String? = nil) {
            (self.topic, self.key) = (topic, key)
        }

        fileprivate var values: [PostgresValue] {
            [.optionalText(topic), key.map { .bytes(Array($0.utf8)) } ?? .null]
        }

        fileprivate static let condition = "($1::text is null or topic = $1) and ($2::bytea is null or key = $2)"
    }

    /// What became of messages that were to be sent again.
    public struct Retried: Sendable, Hashable {
        /// Messages that are in the outbox again.
        public internal(set) var messages = 0
        /// Messages of compacted topics, in whose place the newest states of their keys are published.
        public internal(set) var replaced = 0
    }

    /// The most messages of one transaction.
    private static let chunk = 100
    private let connection: PostgresConnection

    /// Makes a desk.
    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// The messages, oldest first.
    public func messages(_ filter: Filter, limit: Int) throws -> [Message] {
        try connection.query(
            """
            select id, topic, key, coalesce(length(value), 0)::bigint, failed_at, reason
            from outbox_failed where \(Filter.condition) order by id limit $3
            """,
            filter.values + [.int64(Int64(limit))]
        ).map { row in
            Message(
                id: try row.int64(0),
                topic: try row.string(1),
                key: try row.bytes(2),
                bytes: try row.int64(3),
                failedAt: try row.timestamp(4),
                reason: try row.string(5)
            )
        }
    }

    /// How many messages are meant.
    public func count(_ filter: Filter) throws -> Int {
        let sql = "select count(*) from outbox_failed where \(Filter.condition)"
        return Int(try connection.query(sql, filter.values).only().int64(0))
    }

    /// Has the messages sent again, as far as they lie there now: what is set aside once more meanwhile stays.
    ///
    /// - Parameters:
    ///   - compacted: The topics of which the newest state of a key is published in place of the message.
    ///   - note: Writes the act down, in the transaction of its first messages.
    public func retry(
        _ filter: Filter,
        compacted: Set<String>,
        note: (borrowing PostgresTransaction) throws -> Void
    ) throws -> Retried {
        let last = try connection.query("select coalesce(max(id), 0) from outbox_failed").only().int64(0)
        var retried = Retried()
        var isDone = false
        while !isDone {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                let taken = try take(filter, upTo: last, in: transaction)
                isDone = taken.isEmpty
                if !isDone, retried == Retried() { try note(transaction) }
                let again = taken.filter { !compacted.contains($0.topic) }
                let outbox = OutboxBuffer()
                for record in again { outbox.append(record) }
                try OutboxWriter.write(outbox, in: transaction)
                let states = taken.filter { compacted.contains($0.topic) }
                try RepublishMarks.insert(states.map { OutboxKey(topic: $0.topic, key: $0.key) }, in: transaction)
                retried.messages += again.count
                retried.replaced += states.count
            }
        }
        return retried
    }

    /// Forgets the messages: nobody will receive them.
    ///
    /// - Returns: How many were forgotten.
    public func drop(
        _ filter: Filter,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Int {
        try transaction.query("delete from outbox_failed where \(Filter.condition)", filter.values).affected
    }

    private func take(
        _ filter: Filter,
        upTo last: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [OutboxRecord] {
        let rows = try transaction.query(
            """
            with taken as materialized (
                select id from outbox_failed where \(Filter.condition) and id <= $3
                order by id limit $4 for update skip locked
            ), gone as (
                delete from outbox_failed f using taken where f.id = taken.id
                returning f.id, f.topic, f.key, f.headers, f.value
            )
            select topic, key, headers, value from gone order by id
            """,
            filter.values + [.int64(last), .int64(Int64(Self.chunk))]
        )
        var records: [OutboxRecord] = []
        for row in rows {
            records.append(
                OutboxRecord(
                    again: try row.string(0),
                    key: try row.bytes(1),
                    headerBytes: try row.bytes(2),
                    value: try row.optionalBytes(3)
                )
            )
        }
        return records
    }
}
