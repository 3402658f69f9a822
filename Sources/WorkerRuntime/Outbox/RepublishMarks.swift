public import Postgres

/// A key of a topic, as the outbox writes both.
public struct OutboxKey: Sendable, Hashable {
    /// The topic's logical name.
    public let topic: String
    /// The Kafka key.
    public let key: [UInt8]

    /// Makes a key.
    public init(topic: String, key: [UInt8]) {
        self.topic = topic
        self.key = key
    }
}

/// Keys of compacted topics whose newest state is to be published again.
///
/// A mark is taken in the transaction that appends the newest state to the outbox: both happen or neither.
public enum RepublishMarks {
    /// Marks keys; one that is marked already stays so.
    static func insert(_ keys: [OutboxKey], on connection: PostgresConnection) throws(PostgresError) {
        guard !keys.isEmpty else { return }
        _ = try connection.query(insertion, values(keys))
    }

    /// Marks keys with the transaction's commit.
    static func insert(
        _ keys: [OutboxKey],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) {
        guard !keys.isEmpty else { return }
        try transaction.submit(insertion, values(keys))
    }

    private static let insertion = """
        insert into outbox_republish (topic, key)
        select topic, key from unnest($1::text[], $2::bytea[]) as published(topic, key) order by topic, key
        on conflict do nothing
        """

    private static func values(_ keys: [OutboxKey]) -> [PostgresValue] {
        [.array(.texts(keys.map(\.topic))), .array(.byteas(keys.map(\.key)))]
    }

    /// Takes marks that nobody else is taking, and deletes them.
    ///
    /// - Parameter limit: The most of them.
    public static func take(
        limit: Int,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [OutboxKey] {
        let rows = try transaction.query(
            """
            with taken as materialized (
                select topic, key from outbox_republish order by topic, key limit $1 for update skip locked
            )
            delete from outbox_republish m using taken
            where m.topic = taken.topic and m.key = taken.key
            returning m.topic, m.key
            """,
            [.int32(Int32(clamping: limit))]
        )
        var keys: [OutboxKey] = []
        for row in rows { keys.append(OutboxKey(topic: try row.string(0), key: try row.bytes(1))) }
        return keys
    }
}
