/// One shard of the outbox under a lease: its rows leave in the order of their ids.
struct RelayShard {
    /// The epoch of the lease: rows are deleted only while it lasts.
    let epoch: Int64
    /// How many more rows are sent one at a time, because one of them may be what the broker does not take.
    private(set) var aloneLeft = 0
    /// Keys of compacted topics whose states were handed to the producer since the shard was last seen to be held.
    ///
    /// Whoever gives the shard up marks them: another owner may publish newer states before these arrive.
    private(set) var inFlight: Set<OutboxKey> = []

    /// Takes a lease.
    init(epoch: Int64) {
        self.epoch = epoch
    }

    /// Whether the shard's next row is sent without any other.
    var isAlone: Bool { aloneLeft > 0 }

    /// Those of the rows that leave: of several states of one key only the newest, where the topic is compacted.
    mutating func leaving(of rows: [OutboxRow]) -> [OutboxRow] {
        var leaves = [Bool](repeating: true, count: rows.count)
        var seen: Set<OutboxKey> = []
        for (index, row) in rows.enumerated().reversed() where row.coalesces {
            leaves[index] = seen.insert(row.identity).inserted
        }
        inFlight.formUnion(seen)
        return rows.enumerated().filter { leaves[$0.offset] }.map(\.element)
    }

    /// Notes that the broker refused one of so many rows: they go alone until it is found.
    mutating func search(_ rows: Int) {
        aloneLeft = max(aloneLeft, rows)
    }

    /// Notes that rows were published.
    mutating func published(_ rows: Int) {
        aloneLeft = max(0, aloneLeft - rows)
    }

    /// Notes that the row which the broker refused was found.
    mutating func found() {
        aloneLeft = 0
    }

    /// Notes that the shard was seen to be held after all that was sent.
    mutating func held() {
        inFlight = []
    }
}
