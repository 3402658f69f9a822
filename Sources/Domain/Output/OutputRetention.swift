import CoreMetrics
public import Postgres
import Synchronization

/// Forgets what was kept for people to read once it is old: Kubernetes Events, and what hook Jobs wrote.
///
/// At most a chunk of each at a time, so that no lock is held for long. The stages themselves stay, as do their commands.
public final class OutputRetention: Sendable {
    /// How many days Kubernetes Events are kept, unless an operator says otherwise.
    public static let defaultEventDays = 7
    /// How many days the output of stages is kept, unless an operator says otherwise.
    public static let defaultOutputDays = 90

    private let eventDays: Int
    private let outputDays: Int
    private let chunk: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)
    private let forgotten = Counter(label: "slipway_output_forgotten")

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - eventDays: How long Events are kept after they last happened.
    ///   - outputDays: How long a stage's output is kept after its newest word came.
    ///   - chunk: The most rows of each kind in one round.
    ///   - interval: The pause after a round that found less than a chunk.
    public init(
        eventDays: Int = defaultEventDays,
        outputDays: Int = defaultOutputDays,
        chunk: Int = 1000,
        interval: Duration = .seconds(60)
    ) {
        self.eventDays = eventDays
        self.outputDays = outputDays
        self.chunk = chunk
        self.interval = interval
    }

    /// One round, if it is due; returns how many Events and outputs were forgotten.
    @discardableResult
    public func round(on connection: PostgresConnection) throws(PostgresError) -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        let events = try connection.query(
            """
            with old as materialized (
                select cluster, namespace, uid from cluster_event where last_time < now() - $1 * interval '1 day'
                order by last_time limit $2 for update skip locked)
            delete from cluster_event where (cluster, namespace, uid) in (select cluster, namespace, uid from old)
            """,
            [.int32(Int32(eventDays)), .int64(Int64(chunk))]
        ).affected
        let outputs = try connection.query(
            """
            with old as materialized (
                select command, name from stage
                where output is not null and output_at < now() - $1 * interval '1 day'
                order by output_at limit $2 for update skip locked)
            update stage set output = null, truncated = true where (command, name) in (select command, name from old)
            """,
            [.int32(Int32(outputDays)), .int64(Int64(chunk))]
        ).affected
        if events < chunk, outputs < chunk { due.withLock { $0 = .now + interval } }
        forgotten.increment(by: Int(events + outputs))
        return Int(events + outputs)
    }
}
