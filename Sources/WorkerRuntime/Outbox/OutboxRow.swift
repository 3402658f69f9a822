/// A row of the outbox as the relay reads it.
struct OutboxRow {
    let id: Int64
    let messages: [OutboxMessage]
}

/// What waits in a shard, in the order of the rows' ids.
struct WaitingRows {
    /// The rows before the first that this version cannot read.
    let rows: [OutboxRow]
    /// The first row that this version cannot read: what is behind it waits.
    let unreadable: Int64?

    /// Takes rows in the order of their ids; `nil` is what could not be read.
    init(_ found: [(id: Int64, messages: [OutboxMessage]?)]) {
        unreadable = found.first { $0.messages == nil }?.id
        rows = found.prefix { $0.messages != nil }.map { OutboxRow(id: $0.id, messages: $0.messages ?? []) }
    }
}
