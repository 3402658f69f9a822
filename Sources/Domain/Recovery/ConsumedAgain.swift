import Postgres
import WorkerRuntime

/// The requests that a fleet consumes once more, because its database was put back.
///
/// Their senders had waited for what they build on: a project of another key, a version of another topic, a namespace
/// that an agent makes. Now all of it is read side by side. So a request that would be rejected waits with its key, as
/// one that fails does, and is rejected when it is tried for the last time.
struct ConsumedAgain {
    /// Nothing is waited for longer than this after the lane's first message: microseconds.
    static let longestWait: Int64 = 600_000_000
    /// What no other message can change, since those about the same thing come in their order.
    private static let settled: Set<String> = ["no_change", "already_exists", "id_reused"]

    /// When the database was recovered last; `nil` where that is longer ago than any request may be old.
    private let recoveredAt: Int64?
    private let end: Int64

    /// Looks when that was; workers do not run while a database is recovered, so it stays as it is.
    init(now: Int64, in transaction: borrowing PostgresTransaction) throws {
        recoveredAt = try transaction.query(
            "select max(at) from audit where operation = $1 and at > $2 - interval '15 days'",
            [.text(Recovery.act), .timestamp(now)]
        ).only().optionalTimestamp(0)
        end = now + Self.longestWait
    }

    /// Whether a request that would be rejected for this reason waits for what it may build on.
    func waits<Input>(_ entry: Entry<Input>, for reason: Reason, now: Int64) -> Bool {
        guard let recoveredAt, now < end, !Self.settled.contains(reason.code) else { return false }
        let message = entry.message
        return message.timestampMilliseconds < recoveredAt / 1000 && message.keyBytes != nil && !message.isLastTry
    }
}
