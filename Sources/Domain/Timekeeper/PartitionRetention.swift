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
    /// is left for a minute, so that the other tasks of its caller go on.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        due.withLock { $0 = .now + .seconds(60) }
        do {
            let changed = try connection.transaction { (transaction: borrowing PostgresTransaction) in
                try transaction.script("set local lock_timeout = '500ms'")
                return try transaction.query(
                    "select keep_partitions($1, 3, $2 * interval '1 day')",
                    [.text(table), .int32(Int32(days))]
                ).only().int32(0)
            }
            due.withLock { $0 = .now + interval }
            return Int(changed)
        } catch let error as PostgresError where error.sqlState == .lockNotAvailable {
            return 0
        }
    }
}
