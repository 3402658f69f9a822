@testable import WorkerRuntime

/// What a transaction changes and may take back.
protocol Journaled: AnyObject {
    func commit()
    func rollback()
}

/// What a transaction has changed.
final class Journal {
    private var changed: [any Journaled] = []

    func note(_ table: any Journaled) { changed.append(table) }

    func commit() {
        for table in changed { table.commit() }
        changed.removeAll(keepingCapacity: true)
    }

    func rollback() {
        for table in changed { table.rollback() }
        changed.removeAll(keepingCapacity: true)
    }
}

/// A table by its key.
final class Table<Key: Hashable, Value>: Journaled {
    private(set) var rows: [Key: Value] = [:]
    private var undo: [(Key, Value?)] = []
    private unowned let journal: Journal

    init(_ journal: Journal) {
        self.journal = journal
    }

    subscript(_ key: Key) -> Value? {
        get { rows[key] }
        set {
            if undo.isEmpty { journal.note(self) }
            undo.append((key, rows[key]))
            rows[key] = newValue
        }
    }

    func commit() { undo.removeAll(keepingCapacity: true) }

    func rollback() {
        for (key, value) in undo.reversed() { rows[key] = value }
        commit()
    }
}

/// A table that only grows, such as the ledger.
final class Log<Value>: Journaled {
    private(set) var rows: [Value] = []
    private var kept = 0
    private unowned let journal: Journal

    init(_ journal: Journal) {
        self.journal = journal
    }

    func append(_ value: Value) {
        if rows.count == kept { journal.note(self) }
        rows.append(value)
    }

    func commit() { kept = rows.count }

    func rollback() { rows.removeLast(rows.count - kept) }
}

/// The outbox: rows by shard, in the order of their ids.
final class Outbox: Journaled {
    private let table: OutboxTable
    private var shards: [[Row]]
    private var added: [Int] = []
    private var lastID: Int64 = 0
    private var known: [OutboxKey: Int] = [:]
    private unowned let journal: Journal
    private(set) var count = 0

    init(shards count: Int, _ journal: Journal) {
        self.journal = journal
        table = OutboxTable(shards: count)
        shards = [[Row]](repeating: [], count: count)
    }

    func append(_ message: Message) {
        let shard = shard(of: message)
        lastID += 1
        count += 1
        if added.isEmpty { journal.note(self) }
        shards[shard].append(Row(message, id: lastID))
        added.append(shard)
    }

    func read(_ shard: Int, limit: Int) -> [Row] { Array(shards[shard].prefix(limit)) }

    /// Deletes what was published; not to be taken back.
    func delete(_ shard: Int, through id: Int64) {
        let published = shards[shard].prefix { $0.id <= id }.count
        shards[shard].removeFirst(published)
        count -= published
    }

    private func shard(of message: Message) -> Int {
        let key = OutboxKey(topic: message.topic, key: Array(message.key.utf8))
        if let shard = known[key] { return shard }
        var record = OutboxRecord(topic: key.topic, key: key.key, headers: [], value: nil)
        record.shardsByTopic = key.topic.hasPrefix("agent.commands.")
        let shard = table.shard(of: record)
        known[key] = shard
        return shard
    }

    func commit() { added.removeAll(keepingCapacity: true) }

    func rollback() {
        for shard in added.reversed() { shards[shard].removeLast() }
        count -= added.count
        commit()
    }
}
