import Postgres
import WorkerRuntime

extension ResourceStore {
    /// Writes the objects of a batch with one statement.
    ///
    /// Fenced: a row whose stored position is not lower than the new one is left as it is. A new object that cannot be
    /// read keeps what was stored of it; a deleted one keeps nothing but its counters. Arrays are taken apart in the
    /// list of the select, in step with each other: behind `from` PostgreSQL would first store each on its own.
    ///
    /// - Returns: What tells the number of rows written; fewer than asked for means that another lane was ahead.
    func submitWrite(
        _ rows: ResourceRows,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> PostgresSubmission {
        try transaction.submit(
            """
            insert into resource as r
                (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, generation,
                observed_generation, resource_version, health, health_reason, gone, revision, ready, failing_code,
                failing_reason, command_generation, apart, object, changed_at, status_at)
            select unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
                unnest($6::text[]), unnest($7::text[]), unnest($8::bigint[]), unnest($9::bigint[]),
                unnest($10::bigint[]), unnest($11::bigint[]), unnest($12::text[]), unnest($13::text[]),
                unnest($14::text[]), unnest($15::boolean[]), unnest($16::bigint[]), unnest($17::boolean[]),
                unnest($18::text[]), unnest($19::text[]), unnest($20::bigint[]), unnest($21::boolean[]),
                unnest($22::json[]), $23, $23
            on conflict (cluster, namespace, kind, name) do update
            set api_version = excluded.api_version, uid = excluded.uid, instance = excluded.instance,
                epoch = excluded.epoch, sequence = excluded.sequence, generation = excluded.generation,
                observed_generation = excluded.observed_generation, resource_version = excluded.resource_version,
                health = excluded.health, health_reason = excluded.health_reason, gone = excluded.gone,
                revision = excluded.revision, ready = excluded.ready, failing_code = excluded.failing_code,
                failing_reason = excluded.failing_reason, command_generation = excluded.command_generation,
                apart = case when excluded.gone then null else coalesce(excluded.apart, r.apart) end,
                object = case when excluded.gone then null else coalesce(excluded.object, r.object) end,
                changed_at = excluded.changed_at,
                status_at = case when r.revision = excluded.revision then r.status_at else excluded.status_at end
            where (r.epoch, r.sequence) < (excluded.epoch, excluded.sequence)
            """,
            rows.parameters + [.timestamp(now)]
        )
    }

    /// Writes how far the streams were followed, in which partitions, and the mark of this transaction.
    ///
    /// A stream that began at the same time in another lane keeps the later position, but not the other's mark.
    func advance(
        _ streams: [StreamID: StreamState],
        in partitions: [StreamID: Int32],
        mark: Int64,
        locked: [StreamID: Int64],
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) {
        let rows = streams.sorted { $0.key < $1.key }
        let keys: [PostgresValue] = [
            .array(.texts(rows.map(\.key.cluster))), .array(.texts(rows.map(\.key.namespace))),
        ]
        let written = try transaction.submit(
            """
            insert into resource_stream as s
                (cluster, namespace, epoch, sequence, gaps, unbroken_since, snapshot_wanted, partition, mark,
                changed_at)
            select unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::bigint[]),
                unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::boolean[]), unnest($10::int[]), $8, $9
            on conflict (cluster, namespace) do update
            set epoch = excluded.epoch, sequence = excluded.sequence, gaps = excluded.gaps,
                unbroken_since = excluded.unbroken_since, snapshot_wanted = excluded.snapshot_wanted,
                partition = excluded.partition, mark = excluded.mark, changed_at = excluded.changed_at
            where (s.epoch, s.sequence) <= (excluded.epoch, excluded.sequence)
            """,
            keys + [
                .array(.int64s(rows.map(\.value.position.epoch))), .array(.int64s(rows.map(\.value.position.sequence))),
                .array(.int64s(rows.map(\.value.gaps))), .array(.int64s(rows.map(\.value.unbrokenSince))),
                .array(.bools(rows.map(\.value.isSnapshotWanted))), .int64(mark), .timestamp(now),
                .array(.int32s(rows.map { partitions[$0.key] ?? 0 })),
            ]
        )
        guard rows.contains(where: { locked[$0.key] == nil }), try transaction.result(of: written).affected < rows.count
        else { return }
        try transaction.submit(
            """
            update resource_stream s set mark = $3 from unnest($1::text[], $2::text[]) as mine(cluster, namespace)
            where s.cluster = mine.cluster and s.namespace = mine.namespace
            """,
            keys + [.int64(mark)]
        )
    }

    /// Marks as gone what a snapshot did not hold: rows of its kind that were last seen before it began.
    ///
    /// Runs after the batch's objects were written, so that what came after the snapshot stays. The streams are locked.
    /// Looks at what is there of the kind, whatever the server believes of the table; see ``submitRead(of:in:)``.
    func sweep(
        _ sweeps: [ResourcePlan.SnapshotKind: ResourcePlan.Sweep],
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [SweptResource] {
        guard !sweeps.isEmpty else { return [] }
        let list = Array(sweeps)
        let rows = try transaction.query(
            """
            update resource r
            set gone = true, health = 'missing', health_reason = null, object = null, apart = null, ready = null,
                failing_code = null, failing_reason = null, epoch = s.epoch, sequence = s.ended,
                revision = r.revision + 1, changed_at = $7, status_at = $7
            from (
                select s.epoch, s.ended, there.place
                from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
                    as s(cluster, namespace, kind, epoch, began, ended)
                cross join lateral (
                    select o.ctid as place from resource o
                    where o.cluster = s.cluster and o.namespace = s.namespace and o.kind = s.kind and not o.gone
                        and (o.epoch, o.sequence) < (s.epoch, s.began)
                    offset 0
                ) there
            ) s
            where r.ctid = s.place
            returning r.cluster, r.namespace, r.kind, r.name, r.instance, r.revision
            """,
            [
                .array(.texts(list.map(\.key.stream.cluster))), .array(.texts(list.map(\.key.stream.namespace))),
                .array(.texts(list.map(\.key.kind))), .array(.int64s(list.map(\.value.began.epoch))),
                .array(.int64s(list.map(\.value.began.sequence))), .array(.int64s(list.map(\.value.ended.sequence))),
                .timestamp(now),
            ]
        )
        var swept: [SweptResource] = []
        for row in rows {
            let stream = StreamID(cluster: try row.string(0), namespace: try row.string(1))
            let id = ResourceID(stream: stream, kind: try row.string(2), name: try row.string(3))
            swept.append(SweptResource(id: id, instance: try row.optionalString(4), revision: try row.int64(5)))
        }
        return swept
    }
}

/// An object that a snapshot found gone.
struct SweptResource: Sendable {
    let id: ResourceID
    let instance: String?
    let revision: Int64
}
