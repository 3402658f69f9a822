public import Postgres
import Synchronization
import WorkerRuntime

/// Marks as gone what is stored of the objects of clusters that were deleted: no agent is left to say so.
///
/// An environment that is deleted with `force` leaves the objects that were seen in it, and the cluster may be deleted
/// then. Whoever follows `resource.status` is told of each with a tombstone. A name that is registered anew is another
/// cluster: what was followed before belongs to the former one, until the new one's agent tells of the namespace.
public final class DepartedResources: Sendable {
    private let chunk: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)

    /// Makes a duty that is due at once.
    ///
    /// - Parameters:
    ///   - chunk: The most objects that one round marks.
    ///   - interval: The pause after a round that found none.
    public init(chunk: Int = 1000, interval: Duration = .seconds(60)) {
        self.chunk = chunk
        self.interval = interval
    }

    /// One round, if it is due: a chunk of one namespace; returns how many objects were marked.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        guard let stream = try next(on: connection) else {
            due.withLock { $0 = .now + interval }
            return 0
        }
        return try mark(stream, on: connection)
    }

    /// SQL for a stream `s` that nobody follows any more, by its cluster `k`.
    private static let isDeparted = "(k.deleted_at is not null or s.changed_at < k.created_at)"

    /// A namespace of which something is left; looked for without a lock.
    private func next(on connection: PostgresConnection) throws(PostgresError) -> StreamID? {
        let row = try connection.query(
            """
            select s.cluster, s.namespace
            from cluster k join resource_stream s on s.cluster = k.cluster
            cross join lateral (
                select 1 from resource r
                where r.cluster = s.cluster and r.namespace = s.namespace and not r.gone limit 1
            ) there
            where \(Self.isDeparted)
            order by s.cluster, s.namespace limit 1
            """
        ).first
        guard let row else { return nil }
        return StreamID(cluster: try row.string(0), namespace: try row.string(1))
    }

    /// Marks a chunk under the stream's lock, as everything that writes its objects; lanes that remember them read them
    /// again.
    private func mark(_ stream: StreamID, on connection: PostgresConnection) throws -> Int {
        let place: [PostgresValue] = [.text(stream.cluster), .text(stream.namespace)]
        return try connection.transaction { (transaction: borrowing PostgresTransaction) in
            // A statement of its own: what follows sees what the lock waited for.
            try transaction.submit(
                "select 1 from resource_stream where cluster = $1 and namespace = $2 for no key update",
                place
            )
            let now = try transaction.query("select clock_timestamp()").only().timestamp(0)
            let rows = try transaction.query(Self.marking, place + [.int64(Int64(chunk)), .timestamp(now)])
            guard !rows.isEmpty else { return 0 }
            let outbox = OutboxBuffer()
            for row in rows {
                let id = ResourceID(stream: stream, kind: try row.string(0), name: try row.string(1))
                outbox.append(ResourceStatus.tombstone(of: id, revision: try row.int64(2), at: now))
            }
            try transaction.submit(
                "update resource_stream set mark = 0 where cluster = $1 and namespace = $2",
                place
            )
            try OutboxWriter.write(outbox, in: transaction)
            return rows.count
        }
    }

    /// SQL that marks the first `$3` objects of a stream, at a time; none where its cluster is followed again.
    private static let marking = """
        update resource r
        set gone = true, health = 'missing', health_reason = null, object = null, apart = null, ready = null,
            failing_code = null, failing_reason = null, revision = r.revision + 1, changed_at = $4, status_at = $4
        from (
            select o.ctid as place
            from cluster k join resource_stream s on s.cluster = k.cluster
            join resource o on o.cluster = s.cluster and o.namespace = s.namespace and not o.gone
            where s.cluster = $1 and s.namespace = $2 and \(isDeparted)
            order by o.kind, o.name limit $3
        ) there
        where r.ctid = there.place
        returning r.kind, r.name, r.revision
        """
}
