public import Postgres

/// Collects what a transaction publishes; the runtime writes it as rows before the commit, in the order of appending.
public final class OutboxBuffer {
    /// What was appended, in order.
    public private(set) var records: [OutboxRecord] = []

    /// Makes an empty buffer.
    public init() {}

    /// Adds a record.
    public func append(_ record: OutboxRecord) {
        records.append(record)
    }
}

/// The table that holds what is to be published.
struct OutboxTable {
    /// The number of shards, fixed when the database was migrated.
    let shards: Int

    /// The shard of a record: a hash of topic and key, or of the topic alone.
    func shard(of record: OutboxRecord) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in record.topic.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        if !record.shardsByTopic {
            hash = (hash ^ 0) &* 0x0000_0100_0000_01b3
            for byte in record.key { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        return Int(hash % UInt64(shards))
    }

    /// Writes all records with one statement; ids rise in the order of appending.
    func insert(_ records: [OutboxRecord], in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !records.isEmpty else { return }
        var shard = PostgresArray(.int32, capacity: records.count)
        var topic = PostgresArray(.text, capacity: records.count)
        var key = PostgresArray(.bytea, capacity: records.count)
        var headers = PostgresArray(.bytea, capacity: records.count)
        var value = PostgresArray(.bytea, capacity: records.count)
        var coalesces = PostgresArray(.bool, capacity: records.count)
        for record in records {
            shard.append(Int32(self.shard(of: record)))
            topic.append(record.topic)
            key.append(record.key)
            headers.append(HeaderBytes.encode(record.headers))
            if let bytes = record.value { value.append(bytes) } else { value.appendNull() }
            coalesces.append(record.coalesces)
        }
        try transaction.submit(
            """
            insert into outbox (shard, topic, key, headers, value, coalesces)
            select shard, topic, key, headers, value, coalesces
            from unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bool[])
                with ordinality as row(shard, topic, key, headers, value, coalesces, place)
            order by place
            """,
            [.array(shard), .array(topic), .array(key), .array(headers), .array(value), .array(coalesces)]
        )
    }
}

/// Writes what a worker without a lane publishes, before its commit.
public enum OutboxWriter {
    /// Writes the buffer's records as rows.
    public static func write(_ buffer: OutboxBuffer, in transaction: borrowing PostgresTransaction) throws {
        guard !buffer.records.isEmpty else { return }
        let shards = try transaction.query("select outbox_shards from installation").only().int32(0)
        try OutboxTable(shards: Int(shards)).insert(buffer.records, in: transaction)
    }
}
