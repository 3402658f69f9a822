public import Postgres

/// What an operator sees of keys whose messages wait, and can do about them.
///
/// Nothing is done here: it is written down, and the lane that owns the partition acts within its next visit, under its
/// fence, so that order and ledger hold.
public struct ParkedDesk {
    /// A key whose messages wait.
    public struct Key: Sendable {
        /// The consumer group.
        public let group: String
        /// The logical topic.
        public let topic: String
        /// The Kafka key.
        public let key: [UInt8]
        /// How many messages wait.
        public let messages: Int
        /// How many bytes they have.
        public let bytes: Int64
        /// How often the head was tried.
        public let attempts: Int
        /// Since when it waits, microseconds since 1970.
        public let parkedAt: Int64
        /// When it is tried next, microseconds since 1970.
        public let due: Int64
        /// Why the head failed last.
        public let reason: Reason
        /// How many messages from the head on were given up and are about to go.
        public let dropped: Int
    }

    /// Which keys are meant; what is left out does not matter.
    public struct Filter: Sendable {
        /// The logical topic.
        public var topic: String?
        /// The Kafka key.
        public var key: String?
        /// The code of the reason.
        public var code: String?

        /// Makes a filter.
        public init(topic: String? = nil, key: String? = nil, code: String? = nil) {
            self.topic = topic
            self.key = key
            self.code = code
        }

        fileprivate var values: [PostgresValue] {
            [.optionalText(topic), key.map { .bytes(Array($0.utf8)) } ?? .null, .optionalText(code)]
        }

        fileprivate static let condition = """
            ($1::text is null or topic = $1) and ($2::bytea is null or key = $2) and ($3::text is null or reason_code = $3)
            """
    }

    private let connection: PostgresConnection

    /// Makes a desk.
    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// The keys that wait, longest first.
    public func keys(_ filter: Filter) throws -> [Key] {
        try connection.query(
            """
            select consumer_group, topic, key, messages, bytes, attempt + failures, parked_at, due, reason_code, reason, dropped
            from parked_key where \(Filter.condition) order by parked_at, topic, key
            """,
            filter.values
        ).map { row in
            Key(
                group: try row.string(0),
                topic: try row.string(1),
                key: try row.bytes(2),
                messages: Int(try row.int32(3)),
                bytes: try row.int64(4),
                attempts: Int(try row.int32(5)),
                parkedAt: try row.timestamp(6),
                due: try row.timestamp(7),
                reason: Reason(code: try row.string(8), sentence: try row.string(9)),
                dropped: Int(try row.int32(10))
            )
        }
    }

    /// Has the keys tried at once, their tries, and the workers that ended with them, counted anew.
    ///
    /// - Returns: How many keys that are.
    public func retry(
        _ filter: Filter,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Int {
        try transaction.query(
            "update parked_key set due = clock_timestamp(), attempt = 0, failures = 0, begun = 0 where \(Filter.condition)",
            filter.values
        ).affected
    }

    /// Gives the head messages of the keys up, or all of their messages: they are dead-lettered, and requests are answered.
    ///
    /// - Returns: How many messages are given up.
    public func drop(
        _ filter: Filter,
        all: Bool,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int {
        let rows = try transaction.query(
            """
            update parked_key set due = clock_timestamp(), dropped = case when $4 then messages else 1 end
            where \(Filter.condition) returning dropped
            """,
            filter.values + [.bool(all)]
        )
        return try rows.reduce(0) { $0 + Int(try $1.int32(0)) }
    }
}
