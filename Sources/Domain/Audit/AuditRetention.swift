public import Postgres
import Synchronization

/// Keeps the audit log's partitions: the next months' are there before they are needed, and old ones are dropped whole.
public final class AuditRetention: Sendable {
    /// How many days lines are kept, unless an operator says otherwise.
    public static let defaultDays = 400

    private let days: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - days: How long lines are kept at least.
    ///   - interval: The pause between two looks.
    public init(days: Int = defaultDays, interval: Duration = .seconds(3600)) {
        self.days = days
        self.interval = interval
    }

    /// One round, if it is due; returns how many partitions were made or dropped.
    ///
    /// It waits for nobody: where the table is in use for too long, it is tried again with the next round.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        let changed = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try transaction.script("set local lock_timeout = '2s'")
            return try transaction.query(
                "select keep_audit_partitions(3, $1 * interval '1 day')",
                [.int32(Int32(days))]
            ).only().int32(0)
        }
        due.withLock { $0 = .now + interval }
        return Int(changed)
    }
}
