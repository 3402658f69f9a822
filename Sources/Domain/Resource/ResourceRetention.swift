import CoreMetrics
public import Postgres
import Synchronization
import WorkerRuntime

/// Forgets objects that have long been gone, or there would be a row for every pod and Job there ever was.
///
/// A row is kept for longer than `resource.changes` keeps messages: what still speaks of the object must find that it is
/// gone. The stream keeps the highest revision that was forgotten, behind which an object of the same name begins. At
/// most a chunk of one stream at a time, under the stream's lock, as everything that writes its objects.
public final class ResourceRetention: Sendable {
    /// How many days the row of an object that is gone is kept, unless an operator says otherwise.
    public static let defaultDays = 30
    /// The fewest days: longer than the topic keeps messages.
    public static let fewestDays = 8
    /// A worker that does not know of what was forgotten would begin anew with a revision that others have seen.
    static let feature: Int32 = 2

    private let days: Int
    private let chunk: Int
    private let interval: Duration
    private let state = Mutex(State())
    private let forgotten = Counter(label: "slipway_resources_forgotten")

    /// Where the present pass over the streams is, and when the next one begins.
    private struct State {
        var due = ContinuousClock.now
        var last: StreamID?
    }

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - days: How long a row is kept after its object was found gone.
    ///   - chunk: The most rows of one round.
    ///   - interval: The pause after a pass over all streams.
    public init(days: Int = defaultDays, chunk: Int = 1000, interval: Duration = .seconds(3600)) {
        self.days = days
        self.chunk = chunk
        self.interval = interval
    }

    /// One round, if it is due: the next stream; returns how many rows were forgotten.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        let pass = state.withLock { $0 }
        guard pass.due <= .now else { return 0 }
        guard let stream = try next(after: pass.last, on: connection) else {
            state.withLock { $0 = State(due: .now + interval, last: nil) }
            return 0
        }
        let count = try holdsOld(stream, on: connection) ? forget(in: stream, on: connection) : 0
        if count < chunk { state.withLock { $0.last = stream } }
        forgotten.increment(by: count)
        return count
    }

    private func next(after last: StreamID?, on connection: PostgresConnection) throws(PostgresError) -> StreamID? {
        let row = try connection.query(
            """
            select cluster, namespace from resource_stream where (cluster, namespace) > ($1, $2)
            order by cluster, namespace limit 1
            """,
            [.text(last?.cluster ?? ""), .text(last?.namespace ?? "")]
        ).first
        guard let row else { return nil }
        return StreamID(cluster: try row.string(0), namespace: try row.string(1))
    }

    /// Whether anything is to be forgotten, asked without a lock: in most streams there is nothing.
    private func holdsOld(_ stream: StreamID, on connection: PostgresConnection) throws(PostgresError) -> Bool {
        try connection.query(
            """
            select exists (
                select from resource
                where cluster = $1 and namespace = $2 and gone and changed_at < now() - $3 * interval '1 day')
            """,
            [.text(stream.cluster), .text(stream.namespace), .int32(Int32(days))]
        ).only().bool(0)
    }

    /// Forgets a chunk; lanes that remember objects of the stream read them again.
    private func forget(in stream: StreamID, on connection: PostgresConnection) throws -> Int {
        let place: [PostgresValue] = [.text(stream.cluster), .text(stream.namespace)]
        return try connection.transaction { (transaction: borrowing PostgresTransaction) in
            guard try FleetVersion.allows(Self.feature, in: transaction) else { return 0 }
            // A statement of its own: what follows sees what the lock waited for.
            try transaction.submit(
                "select 1 from resource_stream where cluster = $1 and namespace = $2 for no key update",
                place
            )
            return try transaction.query(
                """
                with old as materialized (
                    select kind, name from resource
                    where cluster = $1 and namespace = $2 and gone and changed_at < now() - $3 * interval '1 day'
                    limit $4
                ), forgotten as (
                    delete from resource r using old
                    where r.cluster = $1 and r.namespace = $2 and r.kind = old.kind and r.name = old.name
                    returning r.revision
                )
                update resource_stream s
                set forgotten_revision = greatest(s.forgotten_revision, found.revision), mark = 0
                from (select max(revision) as revision, count(*) as rows from forgotten) found
                where s.cluster = $1 and s.namespace = $2 and found.rows > 0
                returning found.rows
                """,
                place + [.int32(Int32(days)), .int64(Int64(chunk))]
            ).first.map { Int(try $0.int64(0)) } ?? 0
        }
    }
}
