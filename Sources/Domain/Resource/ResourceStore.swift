import Postgres
import WorkerRuntime

/// The tables `resource` and `resource_stream`, written by the resource worker alone.
///
/// Two things keep facts from going backwards. The rows of the batch's streams are locked first, in the order of their
/// keys, and guard the objects below them, so objects are read without locks of their own. And every write repeats the
/// comparison of positions in its own `where`: a lane that should not be writing at all overwrites nothing newer.
struct ResourceStore {
    /// Locks the streams; ``streams(of:in:)`` tells how far each was followed, and the mark of who
    /// wrote its objects last.
    func submitLock(
        ofStreams ids: [StreamID],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> PostgresSubmission {
        try transaction.submit(
            """
            select s.cluster, s.namespace, s.epoch, s.sequence, s.gaps, s.unbroken_since, s.snapshot_wanted, s.mark,
                s.forgotten_revision
            from resource_stream s
            join unnest($1::text[], $2::text[]) as wanted(cluster, namespace)
                on s.cluster = wanted.cluster and s.namespace = wanted.namespace
            order by s.cluster, s.namespace
            for no key update of s
            """,
            [.array(.texts(ids.map(\.cluster))), .array(.texts(ids.map(\.namespace)))]
        )
    }

    /// How far each locked stream was followed; one that is absent has not begun.
    func streams(
        of submission: PostgresSubmission,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> (states: [StreamID: StreamState], marks: [StreamID: Int64]) {
        let rows = try transaction.result(of: submission)
        var states: [StreamID: StreamState] = [:]
        var marks: [StreamID: Int64] = [:]
        for row in rows {
            let id = StreamID(cluster: try row.string(0), namespace: try row.string(1))
            states[id] = StreamState(
                position: StreamPosition(epoch: try row.int64(2), sequence: try row.int64(3)),
                gaps: try row.int64(4),
                unbrokenSince: try row.int64(5),
                isSnapshotWanted: try row.bool(6),
                forgottenRevision: try row.int64(8)
            )
            marks[id] = try row.int64(7)
        }
        return (states, marks)
    }

    /// What is stored of each object, in the order of `ids`; the streams must be locked.
    func states(
        of ids: [ResourceID],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [ResourceState?] {
        try states(of: ids.count, try submitRead(of: ids, in: transaction), in: transaction)
    }

    /// Reads the objects; ``states(of:_:in:)`` gives what was read.
    ///
    /// Each is looked up by its key, whatever the server believes of the table: a join could as well read the whole index
    /// of a table that was empty when the statement was planned.
    func submitRead(
        of ids: [ResourceID],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> PostgresSubmission {
        try transaction.submit(
            """
            select wanted.place, \(Self.columns)
            from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality
                as wanted(cluster, namespace, kind, name, place)
            cross join lateral (
                select * from resource
                where resource.cluster = wanted.cluster and resource.namespace = wanted.namespace
                    and resource.kind = wanted.kind and resource.name = wanted.name
                limit 1
            ) r
            """,
            Self.keys(ids)
        )
    }

    /// What a submitted statement read of that many objects.
    func states(
        of count: Int,
        _ submission: PostgresSubmission,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [ResourceState?] {
        var states = [ResourceState?](repeating: nil, count: count)
        for row in try transaction.result(of: submission) { states[try row.int(0) - 1] = try Self.state(row) }
        return states
    }

    /// The objects whose stored position is not the one just written, because another lane has written a later one.
    ///
    /// Happens only where one key lies on two partitions, as when a topic is given more of them.
    func overtaken(
        _ histories: [ResourceHistory],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Set<ResourceID> {
        let states = try states(of: histories.map(\.id), in: transaction)
        return Set(zip(histories, states).filter { $0.current?.position != $1?.position }.map(\.0.id))
    }

    /// What ``state(_:)`` reads of an object `r`, after one column of the caller's.
    private static let columns = """
        r.api_version, r.uid, r.instance, r.epoch, r.sequence, r.generation, r.observed_generation,
        r.resource_version, r.health, r.health_reason, r.gone, r.revision, r.ready, r.failing_code, r.failing_reason,
        r.command_generation, coalesce(r.apart, \(isApart))
        """

    /// Whether another object speaks for an object `r`, see ``ResourceChange/isApart``; false for what is healthy.
    ///
    /// Nobody asks of that. Only objects that a worker of a version before has written are looked into.
    static let isApart = """
        (case when r.kind in ('Job', 'Pod') and (r.health <> 'healthy' or r.failing_code is not null) then
            coalesce(r.apart,
                r.object #> '{metadata,annotations,helm.sh/hook}' is not null
                or coalesce(r.object #>> '{metadata,ownerReferences,0,kind}', '')
                    = case r.kind when 'Job' then 'CronJob' else 'Job' end)
            else false end)
        """

    /// Locks objects in the order of their keys and reads what was published of them; the streams must be locked.
    func lockStatuses(
        of ids: [ResourceID],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [(id: ResourceID, state: ResourceState, time: Int64)] {
        let rows = try transaction.query(
            """
            select wanted.place, \(Self.columns), r.status_at
            from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality
                as wanted(cluster, namespace, kind, name, place)
            join resource r on r.cluster = wanted.cluster and r.namespace = wanted.namespace
                and r.kind = wanted.kind and r.name = wanted.name
            order by r.cluster, r.namespace, r.kind, r.name
            for no key update of r
            """,
            Self.keys(ids)
        )
        var statuses: [(id: ResourceID, state: ResourceState, time: Int64)] = []
        for row in rows { statuses.append((ids[try row.int(0) - 1], try Self.state(row), try row.timestamp(18))) }
        return statuses
    }

    private static func state(_ row: PostgresRow) throws(PostgresError) -> ResourceState {
        let sign = try row.optionalString(14).flatMap(FailureSign.Code.init(rawValue:))
        return ResourceState(
            apiVersion: try row.string(1),
            uid: try row.string(2),
            instance: try row.optionalString(3),
            position: StreamPosition(epoch: try row.int64(4), sequence: try row.int64(5)),
            generation: try row.int64(6),
            observedGeneration: try row.optionalInt64(7),
            resourceVersion: try row.optionalString(8),
            assessment: HealthAssessment(Health(rawValue: try row.string(9)) ?? .unknown, try row.optionalString(10)),
            isReady: try row.optionalBool(13),
            sign: try sign.map { code throws(PostgresError) in FailureSign(code, try row.optionalString(15) ?? "") },
            commandGeneration: try row.optionalInt64(16),
            isApart: try row.bool(17),
            isGone: try row.bool(11),
            revision: try row.int64(12)
        )
    }

    static func keys(_ ids: [ResourceID]) -> [PostgresValue] {
        [
            .array(.texts(ids.map(\.stream.cluster))), .array(.texts(ids.map(\.stream.namespace))),
            .array(.texts(ids.map(\.kind))), .array(.texts(ids.map(\.name))),
        ]
    }
}
