public import Postgres
import Synchronization

/// Forgets the boots of agents that others have taken over from, long after.
///
/// A boot that was superseded is told to stop whenever it speaks; one that is forgotten would be welcomed as a new one. So it is
/// remembered for longer than the topic keeps its messages, and than a process that was held could matter to anybody.
public final class AgentBootRetention: Sendable {
    /// How many days a boot is remembered after another one took over.
    public static let days = 30

    private let chunk: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - chunk: The most boots in one round.
    ///   - interval: The pause after a round that found less than a chunk.
    public init(chunk: Int = 1000, interval: Duration = .seconds(3600)) {
        self.chunk = chunk
        self.interval = interval
    }

    /// One round, if it is due; returns how many boots were forgotten.
    @discardableResult
    public func round(on connection: PostgresConnection) throws(PostgresError) -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        let forgotten = try connection.query(
            """
            with old as materialized (
                select b.cluster, b.boot from agent_boot b
                where b.superseded and exists (
                    select from agent_boot n
                    where n.cluster = b.cluster and n.epoch > b.epoch and n.first_seen < now() - $1 * interval '1 day')
                limit $2 for update of b skip locked)
            delete from agent_boot where (cluster, boot) in (select cluster, boot from old)
            """,
            [.int32(Int32(Self.days)), .int64(Int64(chunk))]
        ).affected
        if forgotten < chunk { due.withLock { $0 = .now + interval } }
        return Int(forgotten)
    }
}
