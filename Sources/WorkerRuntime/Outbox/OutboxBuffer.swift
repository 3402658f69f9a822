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
        var hash = StableHash()
        hash.add(record.topic.utf8)
        if !record.shardsByTopic {
            hash.add(CollectionOfOne<UInt8>(0))
            hash.add(record.key)
        }
        return Int(hash.value % UInt64(shards))
    }

    /// Writes all records with one statement; within a shard they keep the order of appending.
    ///
    /// Arrays are taken apart in the list of the select: in their order, and without being stored first.
    func insert(_ records: [OutboxRecord], in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !records.isEmpty else { return }
        let rows = rows(of: records)
        var shard = PostgresArray(.int32, capacity: rows.count)
        var messages = PostgresArray(.int32, capacity: rows.count)
        var content = PostgresArray(.bytea, capacity: rows.count)
        for row in rows {
            shard.append(row.shard)
            messages.append(row.content.count)
            content.append(row.content.bytes)
        }
        try transaction.submit(
            """
            insert into outbox (shard, messages, content)
            select unnest($1::int[]), unnest($2::int[]), unnest($3::bytea[])
            """,
            [.array(shard), .array(messages), .array(content)]
        )
    }

    /// The records as rows, each of one shard.
    func rows(of records: [OutboxRecord]) -> [(shard: Int, content: OutboxContent)] {
        var rows: [(shard: Int, content: OutboxContent)] = []
        var open = [OutboxContent](repeating: OutboxContent(), count: shards)
        for record in records {
            let shard = shard(of: record)
            if !open[shard].hasRoom(for: OutboxContent.size(of: record)) {
                rows.append((shard, open[shard]))
                open[shard] = OutboxContent()
            }
            open[shard].append(record)
        }
        return rows + open.enumerated().filter { $0.element.count > 0 }.map { (shard: $0.offset, content: $0.element) }
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
