/// The prepared statements of one session, by their SQL text and the types of their parameters.
struct StatementCache {
    private struct Entry {
        let name: String
        let types: [UInt32]
        var lastUse: UInt64
    }

    private var entries: [String: [Entry]] = [:]
    private var nextName = 0
    private var clock: UInt64 = 0
    private(set) var count = 0
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// The name of a statement that takes parameters of these types; a null (type 0) fits any type.
    mutating func find(_ sql: String, _ types: [UInt32]) -> String? {
        guard let index = entries.index(forKey: sql) else { return nil }
        for position in entries.values[index].indices
        where Self.fits(types, entries.values[index][position].types) {
            clock += 1
            entries.values[index][position].lastUse = clock
            return entries.values[index][position].name
        }
        return nil
    }

    /// A name that no statement of the session had.
    mutating func makeName() -> String {
        nextName += 1
        return "s\(nextName)"
    }

    /// Keeps a prepared statement.
    mutating func insert(_ name: String, for sql: String, types: [UInt32]) {
        clock += 1
        entries[sql, default: []].append(Entry(name: name, types: types, lastUse: clock))
        count += 1
    }

    /// Forgets a statement.
    mutating func remove(_ name: String, for sql: String) {
        guard var list = entries[sql], let position = list.firstIndex(where: { $0.name == name }) else { return }
        list.remove(at: position)
        entries[sql] = list.isEmpty ? nil : list
        count -= 1
    }

    /// Forgets all statements; names are never used twice.
    mutating func removeAll() {
        entries.removeAll()
        count = 0
    }

    /// Takes the statement out that was not used for the longest time, if there are too many.
    mutating func evict() -> String? {
        guard count > capacity else { return nil }
        var oldest: (sql: String, name: String, use: UInt64)?
        for (sql, list) in entries {
            for entry in list where entry.lastUse < oldest?.use ?? .max {
                oldest = (sql, entry.name, entry.lastUse)
            }
        }
        guard let oldest else { return nil }
        remove(oldest.name, for: oldest.sql)
        return oldest.name
    }

    private static func fits(_ wanted: [UInt32], _ prepared: [UInt32]) -> Bool {
        guard wanted.count == prepared.count else { return false }
        for (wanted, prepared) in zip(wanted, prepared) where wanted != 0 && wanted != prepared {
            return false
        }
        return true
    }
}
