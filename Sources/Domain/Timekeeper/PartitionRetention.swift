public import Postgres
import Synchronization

/// Keeps the partitions of a table by month: the next months' are there before they are needed, and old ones are dropped whole.
///
/// The audit log is such a table, and the ledger.
public final class PartitionRetention: Sendable {
    /// How many days the audit log's lines are kept, unless an operator says otherwise.
    public static let defaultAuditDays = 400

    private let table: String
    private let days: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - table: The name of a table that is partitioned by its column `at`.
    ///   - days: How long rows are kept at least; they go when the whole month is older.
    ///   - interval: The pause between two looks.
    public init(_ table: String, days: Int, interval: Duration = .seconds(3600)) {
        self.table = table
        self.days = days
        self.interval = interval
    }

    /// One round, if it is due; returns how many partitions were made or dropped.
    ///
    /// Whoever uses the table waits for half a second at most. Where others use it for longer, or anything else is in the way, it
    /// is left for a minute, so that the other tasks of its caller go on. The months of what has no partition are moved in
    /// transactions of their own, so that after months without a round each gets through; what is left is for the next round.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        due.withLock { $0 = .now + .seconds(60) }
        let end = ContinuousClock.now + Self.longestRound
        var changed = 0
        do {
            var isOver = false
            while !isOver {
                let step = try keep(on: connection)
                changed += step.changed
                isOver = step.isOver
                guard isOver || ContinuousClock.now < end else {
                    due.withLock { $0 = .now }
                    return changed
                }
            }
            due.withLock { $0 = .now + interval }
        } catch let error as PostgresError where error.sqlState == .lockNotAvailable {
            // Left for a minute.
        }
        return changed
    }

    /// How long a round goes on with another month.
    private static let longestRound = Duration.seconds(5)

    /// Makes and drops partitions, and moves one month; returns how many were made or dropped, and whether that was all.
    private func keep(on connection: PostgresConnection) throws -> (changed: Int, isOver: Bool) {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try transaction.script("set local lock_timeout = '500ms'")
            let changed = try transaction.query(
                "select keep_partitions($1, 3, $2 * interval '1 day')",
                [.text(table), .int32(Int32(days))]
            ).only().int32(0)
            guard changed > 0 else { return (0, true) }
            let isOver = try transaction.query("select not exists (select from \(table)_rest)").only().bool(0)
            return (Int(changed), isOver)
        }
    }
}
