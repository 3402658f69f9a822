internal import Postgres
internal import WorkerRuntime

extension ResourceStore {
    /// Writes the objects of a batch with one statement.
    ///
    /// Fenced: a row whose stored position is not lower than the new one is left as it is. A new object that cannot be
    /// read keeps what was stored of it; a deleted one keeps nothing but its counters.
    ///
    /// - Returns: The number of rows written; fewer than asked for means that another lane was ahead.
    func write(
        _ rows: ResourceRows,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Int {
        try transaction.query(
            """
            insert into resource as r
                (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, generation,
                observed_generation, resource_version, health, health_reason, gone, revision, ready, failing_code,
                failing_reason, command_generation, object, changed_at)
            select *, $22
            from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[],
                $15::boolean[], $16::bigint[], $17::boolean[], $18::text[], $19::text[], $20::bigint[], $21::jsonb[])
            on conflict (cluster, namespace, kind, name) do update
            set api_version = excluded.api_version, uid = excluded.uid, instance = excluded.instance,
                epoch = excluded.epoch, sequence = excluded.sequence, generation = excluded.generation,
                observed_generation = excluded.observed_generation, resource_version = excluded.resource_version,
                health = excluded.health, health_reason = excluded.health_reason, gone = excluded.gone,
                revision = excluded.revision, ready = excluded.ready, failing_code = excluded.failing_code,
                failing_reason = excluded.failing_reason, command_generation = excluded.command_generation,
                object = case when excluded.gone then null else coalesce(excluded.object, r.object) end,
                changed_at = excluded.changed_at
            where (r.epoch, r.sequence) < (excluded.epoch, excluded.sequence)
            """,
            rows.parameters + [.timestamp(now)]
        ).affected
    }

    /// Marks as gone what a snapshot did not hold: rows of its kind that were last seen before it began.
    ///
    /// Runs after the batch's objects were written, so that what came after the snapshot stays. The streams are locked.
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
            set gone = true, health = 'missing', health_reason = null, object = null, ready = null,
                failing_code = null, failing_reason = null, epoch = s.epoch, sequence = s.ended,
                revision = r.revision + 1, changed_at = $7
            from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
                as s(cluster, namespace, kind, epoch, began, ended)
            where r.cluster = s.cluster and r.namespace = s.namespace and r.kind = s.kind and not r.gone
                and (r.epoch, r.sequence) < (s.epoch, s.began)
            returning r.cluster, r.namespace, r.kind, r.name, r.instance, r.revision
            """,
            [
                .array(.texts(list.map(\.key.stream.cluster))), .array(.texts(list.map(\.key.stream.namespace))),
                .array(.texts(list.map(\.key.kind))), .array(.int64s(list.map(\.value.began.epoch))),
                .array(.int64s(list.map(\.value.began.sequence))), .array(.int64s(list.map(\.value.ended.sequence))),
                .timestamp(now),
            ]
        )
        return try rows.map { row in
            SweptResource(
                id: ResourceID(
                    stream: StreamID(cluster: try row.string(0), namespace: try row.string(1)),
                    kind: try row.string(2),
                    name: try row.string(3)
                ),
                instance: try row.optionalString(4),
                revision: try row.int64(5)
            )
        }
    }
}

/// An object that a snapshot found gone.
struct SweptResource: Sendable {
    let id: ResourceID
    let instance: String?
    let revision: Int64
}

/// Rows of `resource` as columns of values in the server's binary form, ready for `unnest`.
struct ResourceRows {
    private var cluster: PostgresArray
    private var namespace: PostgresArray
    private var kind: PostgresArray
    private var name: PostgresArray
    private var apiVersion: PostgresArray
    private var uid: PostgresArray
    private var instance: PostgresArray
    private var epoch: PostgresArray
    private var sequence: PostgresArray
    private var generation: PostgresArray
    private var observedGeneration: PostgresArray
    private var resourceVersion: PostgresArray
    private var health: PostgresArray
    private var healthReason: PostgresArray
    private var gone: PostgresArray
    private var revision: PostgresArray
    private var ready: PostgresArray
    private var failingCode: PostgresArray
    private var failingReason: PostgresArray
    private var commandGeneration: PostgresArray
    private var object: PostgresArray

    init(capacity: Int) {
        func column(_ element: PostgresArray.Element) -> PostgresArray { PostgresArray(element, capacity: capacity) }
        cluster = column(.text)
        namespace = column(.text)
        kind = column(.text)
        name = column(.text)
        apiVersion = column(.text)
        uid = column(.text)
        instance = column(.text)
        epoch = column(.int64)
        sequence = column(.int64)
        generation = column(.int64)
        observedGeneration = column(.int64)
        resourceVersion = column(.text)
        health = column(.text)
        healthReason = column(.text)
        gone = column(.bool)
        revision = column(.int64)
        ready = column(.bool)
        failingCode = column(.text)
        failingReason = column(.text)
        commandGeneration = column(.int64)
        object = column(.jsonb)
    }

    /// The number of rows.
    var count: Int { name.count }

    /// Adds a row; the object is the value of `message`, or nothing.
    mutating func append(_ id: ResourceID, _ state: ResourceState, object message: KafkaMessageView?) {
        cluster.append(id.stream.cluster)
        namespace.append(id.stream.namespace)
        kind.append(id.kind)
        name.append(id.name)
        apiVersion.append(state.apiVersion)
        uid.append(state.uid)
        instance.append(optional: state.instance)
        epoch.append(state.position.epoch)
        sequence.append(state.position.sequence)
        generation.append(state.generation)
        observedGeneration.append(optional: state.observedGeneration)
        resourceVersion.append(optional: state.resourceVersion)
        health.append(state.assessment.health.rawValue)
        healthReason.append(optional: state.assessment.reason)
        gone.append(state.isGone)
        revision.append(state.revision)
        ready.append(optional: state.isReady)
        failingCode.append(optional: state.sign?.code.rawValue)
        failingReason.append(optional: state.sign?.sentence)
        commandGeneration.append(optional: state.commandGeneration)
        if message?.withValue({ object.append(bytes: $0) }) == nil { object.appendNull() }
    }

    /// The columns in the order of the statement.
    var parameters: [PostgresValue] {
        [
            .array(cluster), .array(namespace), .array(kind), .array(name), .array(apiVersion), .array(uid),
            .array(instance), .array(epoch), .array(sequence), .array(generation), .array(observedGeneration),
            .array(resourceVersion), .array(health), .array(healthReason), .array(gone), .array(revision),
            .array(ready), .array(failingCode), .array(failingReason), .array(commandGeneration), .array(object),
        ]
    }
}

extension PostgresArray {
    fileprivate mutating func append(optional value: String?) {
        if let value { append(value) } else { appendNull() }
    }

    fileprivate mutating func append(optional value: Int64?) {
        if let value { append(value) } else { appendNull() }
    }

    fileprivate mutating func append(optional value: Bool?) {
        if let value { append(value) } else { appendNull() }
    }
}
