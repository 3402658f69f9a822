import CoreMetrics
public import Postgres
import Synchronization
import WorkerRuntime

/// Forgets objects that have long been gone, or there would be a row for every pod and Job there ever was.
///
/// A row is kept for longer than `resource.changes` keeps messages: what still speaks of the object must find that it is
/// gone. It is kept, too, as long as its newest state is to be published once more, or was set aside by a relay: the
/// tombstone of `resource.status` is made of it. The stream keeps the highest revision that was forgotten, behind which
/// an object of the same name begins. What is old is looked for without a lock, a window of the stream's objects at a
/// time, and at most a chunk of it is deleted under the stream's lock, as everything that writes its objects.
public final class ResourceRetention: Sendable {
    /// How many days the row of an object that is gone is kept, unless an operator says otherwise.
    public static let defaultDays = 30
    /// The fewest days: longer than the topic keeps messages.
    public static let fewestDays = 8
    /// A worker that does not know of what was forgotten would begin anew with a revision that others have seen.
    static let feature: Int32 = 2

    private let days: Int
    private let chunk: Int
    private let window: Int
    private let interval: Duration
    private let state = Mutex(State())
    private let forgotten = Counter(label: "slipway_resources_forgotten")

    /// Where the present pass over the streams is, and when the next one begins.
    private struct State {
        var due = ContinuousClock.now
        var last: StreamID?
        var place: Place?
    }

    /// How far the objects of a stream were looked at, in the order of their keys.
    struct Place: Equatable {
        let stream: StreamID
        var kind = ""
        var name = ""
    }

    /// What a look has found: objects to forget, and where the next look begins, unless it has come to the stream's end.
    struct Find: Equatable {
        var old: [ResourceID]
        var next: Place?
    }

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - days: How long a row is kept after its object was found gone.
    ///   - chunk: The most rows that one round forgets.
    ///   - window: The most rows that one round looks at.
    ///   - interval: The pause after a pass over all streams.
    public init(
        days: Int = defaultDays,
        chunk: Int = 1000,
        window: Int = 10_000,
        interval: Duration = .seconds(3600)
    ) {
        self.days = days
        self.chunk = chunk
        self.window = window
        self.interval = interval
    }

    /// One round, if it is due: the next window; returns how many rows were forgotten.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        let pass = state.withLock { $0 }
        guard pass.due <= .now else { return 0 }
        guard let place = try pass.place ?? next(after: pass.last, on: connection) else {
            state.withLock { $0 = State(due: .now + interval) }
            return 0
        }
        let find = try look(from: place, on: connection)
        let count = try find.old.isEmpty ? 0 : forget(find.old, in: place.stream, on: connection)
        state.withLock { state in
            state.place = find.next
            if find.next == nil { state.last = place.stream }
        }
        forgotten.increment(by: count)
        return count
    }

    private func next(after last: StreamID?, on connection: PostgresConnection) throws(PostgresError) -> Place? {
        let row = try connection.query(
            """
            select cluster, namespace from resource_stream where (cluster, namespace) > ($1, $2)
            order by cluster, namespace limit 1
            """,
            [.text(last?.cluster ?? ""), .text(last?.namespace ?? "")]
        ).first
        guard let row else { return nil }
        return Place(stream: StreamID(cluster: try row.string(0), namespace: try row.string(1)))
    }

    /// SQL for an object `r` that has been gone for longer than those days, and of which nothing is to be said any more.
    private static func isOld(_ days: String) -> String {
        """
        (r.gone and r.changed_at < now() - \(days) * interval '1 day'
            and not exists (
                select from (select topic, key from outbox_failed union all select topic, key from outbox_republish) w
                where w.topic = 'resource.status'
                    and w.key = convert_to(concat_ws('/', r.cluster, r.namespace, r.kind, r.name), 'UTF8')))
        """
    }

    /// Looks at the window behind a place, without a lock.
    func look(from place: Place, on connection: PostgresConnection) throws(PostgresError) -> Find {
        let stream = place.stream
        let rows = try connection.query(
            """
            select kind, name, is_old, place from (
                select kind, name, \(Self.isOld("$5")) as is_old, row_number() over (order by kind, name) as place
                from resource r where cluster = $1 and namespace = $2 and (kind, name) > ($3, $4)
                order by kind, name limit $6
            ) seen
            where is_old or place = $6 order by place limit $7
            """,
            [
                .text(stream.cluster), .text(stream.namespace), .text(place.kind), .text(place.name),
                .int32(Int32(days)), .int64(Int64(window)), .int64(Int64(chunk)),
            ]
        )
        var find = Find(old: [])
        for row in rows {
            let id = ResourceID(stream: stream, kind: try row.string(0), name: try row.string(1))
            if try row.bool(2) { find.old.append(id) }
            guard try row.int(3) == window || find.old.count == chunk else { continue }
            find.next = Place(stream: stream, kind: id.kind, name: id.name)
        }
        return find
    }

    /// Forgets objects that are old still; lanes that remember objects of the stream read them again.
    func forget(_ old: [ResourceID], in stream: StreamID, on connection: PostgresConnection) throws -> Int {
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
                with forgotten as (
                    delete from resource r using unnest($3::text[], $4::text[]) as old(kind, name)
                    where r.cluster = $1 and r.namespace = $2 and r.kind = old.kind and r.name = old.name
                        and \(Self.isOld("$5"))
                    returning r.revision
                )
                update resource_stream s
                set forgotten_revision = greatest(s.forgotten_revision, found.revision), mark = 0
                from (select max(revision) as revision, count(*) as rows from forgotten) found
                where s.cluster = $1 and s.namespace = $2 and found.rows > 0
                returning found.rows
                """,
                place + [.array(.texts(old.map(\.kind))), .array(.texts(old.map(\.name))), .int32(Int32(days))]
            ).first.map { Int(try $0.int64(0)) } ?? 0
        }
    }
}
