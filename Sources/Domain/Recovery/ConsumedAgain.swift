import Postgres
import WorkerRuntime

/// The requests that a fleet consumes once more, because its database was put back.
///
/// Their senders had waited for what they build on: a project of another key, a version of another topic, a namespace
/// that an agent makes. Now all of it is read side by side. So a request that would be rejected for want of it waits with
/// its key, as one that fails does, and is rejected when it is tried for the last time.
struct ConsumedAgain {
    /// Nothing is waited for longer than this after the lane's first message: microseconds.
    static let longestWait: Int64 = 600_000_000

    /// When the database was recovered last; `nil` where that is longer ago than any request may be old.
    private let recoveredAt: Int64?
    private let end: Int64

    /// Looks when that was; workers do not run while a database is recovered, so it stays as it is.
    init(in transaction: borrowing PostgresTransaction) throws {
        let row = try transaction.query(
            """
            select case when recovered_at > clock_timestamp() - interval '15 days' then recovered_at end, clock_timestamp()
            from installation
            """
        ).only()
        recoveredAt = try row.optionalTimestamp(0)
        end = try row.timestamp(1) + Self.longestWait
    }

    /// Whether a message may be one that was consumed before: its time is the broker's, where the topic is as
    /// `slipway topics apply` makes it, and its sender's elsewhere.
    func mayHold(_ message: KafkaMessageView) -> Bool {
        guard let recoveredAt else { return false }
        return (1..<recoveredAt / 1000).contains(message.timestampMilliseconds)
    }

    /// Whether a request that would be rejected for this reason waits for what it may build on.
    func waits(_ entry: Entry<RequestInput>, for reason: Reason, now: Int64) -> Bool {
        guard now < end, mayHold(entry.message), entry.message.keyBytes != nil, !entry.message.isLastTry else {
            return false
        }
        return Self.mayChange(reason.code, for: entry.input.caller.isVerified)
    }

    /// Whether another message can change what a request is rejected for.
    ///
    /// Who may not see a thing is told the same as where there is none; of unverified callers nobody waits for anything.
    private static func mayChange(_ code: String, for isVerified: Bool) -> Bool {
        if code == "not_permitted" { return isVerified }
        if code.hasPrefix("unknown_") { return !settled.contains(code) }
        return code.hasPrefix("environment_is_") || changing.contains(code)
    }

    private static let settled: Set<String> = [
        "unknown_type", "unknown_command", "unknown_pod", "unknown_container", "unknown_workload", "unknown_port",
    ]
    private static let changing: Set<String> = [
        "already_exists", "being_deleted", "deletion_under_way", "namespace_not_removed", "environment_not_active",
        "nothing_to_run", "cluster_not_ready", "cluster_not_permitted", "agent_not_connected",
    ]
}
