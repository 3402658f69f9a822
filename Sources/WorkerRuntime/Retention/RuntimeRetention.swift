import CoreMetrics
public import Postgres
import Synchronization

/// Deletes what the runtime's tables need no more, a little at a time, so that no lock is held for long.
///
/// The inbox forgets a message later than any lane would still take it, so what is forgotten is refused as too old and
/// never done twice. Any number of processes may purge side by side: each takes rows that no other has.
public final class RuntimeRetention: Sendable {
    private let keep: Duration
    private let chunk: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)
    private let purged = Counter(label: "slipway_inbox_purged")

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - keep: How long the inbox remembers; longer than any lane's reach, see ``InboxReach``.
    ///   - chunk: The most rows of one round.
    ///   - interval: The pause after a round that found less than a chunk.
    public init(keep: Duration = InboxReach.kept, chunk: Int = 5000, interval: Duration = .seconds(60)) {
        self.keep = keep
        self.chunk = chunk
        self.interval = interval
    }

    /// One round, if it is due: at most a chunk of the inbox, and relays, workers and replays that were long ago.
    ///
    /// - Returns: How many rows of the inbox were deleted.
    @discardableResult
    public func round(on connection: PostgresConnection) throws(PostgresError) -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        let deleted = try purgeInbox(on: connection)
        if deleted < chunk {
            try forgetProcesses(on: connection)
            due.withLock { $0 = .now + interval }
        }
        purged.increment(by: deleted)
        return deleted
    }

    private func purgeInbox(on connection: PostgresConnection) throws(PostgresError) -> Int {
        let deleted = try connection.query(
            """
            with old as materialized (
                select id from inbox where seen_at < now() - $1 * interval '1 millisecond'
                order by seen_at limit $2 for update skip locked)
            delete from inbox where id in (select id from old)
            """,
            [.int64(keep.milliseconds), .int64(Int64(chunk))]
        )
        return Int(deleted.affected)
    }

    private func forgetProcesses(on connection: PostgresConnection) throws(PostgresError) {
        _ = try connection.query("delete from worker where seen_at < now() - interval '1 day'")
        _ = try connection.query("delete from outbox_relay where seen_at < now() - interval '1 day'")
        // Longer than dead letters are kept, unless somebody keeps them for more than a year.
        _ = try connection.query("delete from replayed_dead_letter where replayed_at < now() - interval '400 days'")
    }
}
