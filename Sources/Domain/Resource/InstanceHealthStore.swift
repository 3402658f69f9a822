import Postgres

/// Keeps the health of instances in step with their objects.
struct InstanceHealthStore {
    /// What was asked of instances and is still to be answered.
    struct Asked {
        let ids: [InstanceID]
        /// What is remembered of each.
        fileprivate let sums: [InstanceTallies?]
        /// The places of those that are not remembered.
        fileprivate let unknown: [Int]
        fileprivate let lock: PostgresSubmission?
        fileprivate let count: (counts: PostgresSubmission, texts: PostgresSubmission)?
    }

    /// Asks for the locks of instances, in the order of their ids as everybody does, and for what their objects add up to.
    ///
    /// One statement locks all, so that lanes do not lock in different orders. The objects of an instance that is not
    /// remembered are counted, by statements of their own behind it; the locked streams keep others from writing them.
    func ask(
        _ ids: [InstanceID],
        _ memory: ResourceMemory,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Asked {
        let sums = ids.map(memory.tallies)
        let unknown = ids.indices.filter { sums[$0] == nil }
        return Asked(
            ids: ids,
            sums: sums,
            unknown: unknown,
            lock: try ids.isEmpty ? nil : submitLock(ids, in: transaction),
            count: try unknown.isEmpty ? nil : submitCount(unknown.map { ids[$0] }, in: transaction)
        )
    }

    /// The instances that are there, and the objects of each that was asked for by kind and health; waits for them.
    func answers(
        to asked: Asked,
        _ memory: ResourceMemory,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> (locked: [(place: Int, instance: InstanceHealth)], tallies: [[ResourceTally]]) {
        var sums = asked.sums
        var locked: [(place: Int, instance: InstanceHealth)] = []
        if let lock = asked.lock {
            for row in try transaction.result(of: lock) { locked.append((try row.int(0) - 1, try Self.instance(row))) }
        }
        if let count = asked.count {
            for (place, sum) in zip(asked.unknown, try Self.sums(of: asked.unknown.count, count, in: transaction)) {
                memory.note(sum, of: asked.ids[place])
                sums[place] = sum
            }
        }
        return (locked, sums.map { $0?.tallies ?? [] })
    }

    /// Adds up objects that were told before their instance was there, as where a restored database learns of it later.
    ///
    /// Later ones are added up as they are told. The instance's row is locked, so whoever is storing such objects waits.
    func addUpEarlier(
        _ id: InstanceID,
        by worker: String,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) {
        // Remembers nothing, so everything is counted.
        let memory = ResourceMemory()
        let (locked, tallies) = try answers(to: try ask([id], memory, in: transaction), memory, in: transaction)
        let found = locked.filter { $0.instance.objects == 0 && !tallies[$0.place].isEmpty }
        let changed = found.compactMap { $0.instance.updated(by: InstanceRollUp(tallies[$0.place])) }
        try write(changed, by: worker, now: now, in: transaction)
    }

    private func submitLock(
        _ ids: [InstanceID],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> PostgresSubmission {
        try transaction.submit(
            """
            select wanted.place, i.id, i.open_command is not null, i.health, i.health_reason, i.pods_ready,
                i.pods_total, i.objects, i.revision
            from unnest($1::text[], $2::text[], $3::text[]) with ordinality
                as wanted(cluster, namespace, instance, place)
            join instance i on i.cluster = wanted.cluster and i.namespace = wanted.namespace
                and i.instance = wanted.instance and i.state <> 'deleted'
            order by i.id
            for no key update of i
            """,
            Self.keys(ids)
        )
    }

    /// Counts the objects of instances, and asks for the texts of those that are not healthy.
    private func submitCount(
        _ ids: [InstanceID],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> (counts: PostgresSubmission, texts: PostgresSubmission) {
        let objects = """
            from unnest($1::text[], $2::text[], $3::text[]) with ordinality
                as wanted(cluster, namespace, instance, place)
            cross join lateral (
                select * from resource
                where resource.cluster = wanted.cluster and resource.namespace = wanted.namespace
                    and resource.instance = wanted.instance and not resource.gone
                offset 0
            ) r
            """
        let counts = try transaction.submit(
            """
            select wanted.place, r.kind, r.health, \(ResourceStore.isApart), count(*), count(*) filter (where r.ready)
            \(objects)
            group by 1, 2, 3, 4
            """,
            Self.keys(ids)
        )
        let texts = try transaction.submit(
            """
            select wanted.place, r.kind, r.health, \(ResourceStore.isApart),
                case when r.health <> 'healthy' then r.kind || ' ' || r.name || coalesce(': ' || r.health_reason, '') end,
                r.failing_reason
            \(objects)
            where r.health <> 'healthy' or r.failing_reason is not null
            """,
            Self.keys(ids)
        )
        return (counts, texts)
    }

    private static func sums(
        of count: Int,
        _ submitted: (counts: PostgresSubmission, texts: PostgresSubmission),
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> [InstanceTallies] {
        var sums = [InstanceTallies](repeating: InstanceTallies(), count: count)
        for row in try transaction.result(of: submitted.counts) {
            sums[try row.int(0) - 1]
                .add(try group(row), count: try row.int(4), ready: try row.int(5))
        }
        for row in try transaction.result(of: submitted.texts) {
            sums[try row.int(0) - 1]
                .note(try group(row), example: try row.optionalString(4), sign: try row.optionalString(5))
        }
        return sums
    }

    private static func group(_ row: PostgresRow) throws(PostgresError) -> InstanceTallies.Group {
        InstanceTallies.Group(
            kind: try row.string(1),
            health: Health(rawValue: try row.string(2)) ?? .unknown,
            isApart: try row.bool(3)
        )
    }

    /// Writes the instances that changed; their rows are locked.
    func write(
        _ instances: [InstanceHealth],
        by worker: String = ResourceHandler.worker,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) {
        guard !instances.isEmpty else { return }
        try transaction.submit(
            """
            update instance i
            set health = new.health, health_reason = new.health_reason, pods_ready = new.pods_ready,
                pods_total = new.pods_total, objects = new.objects, revision = new.revision, changed_at = $8,
                changed_by = $9
            from (
                select unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::int[]),
                    unnest($5::int[]), unnest($6::int[]), unnest($7::bigint[])
            ) as new(id, health, health_reason, pods_ready, pods_total, objects, revision)
            where i.id = new.id
            """,
            [
                .array(.int64s(instances.map(\.id))), .array(.texts(instances.map(\.assessment.health.rawValue))),
                .array(.optionalTexts(instances.map(\.assessment.reason))),
                .array(.int32s(instances.map { Int32(clamping: $0.podsReady) })),
                .array(.int32s(instances.map { Int32(clamping: $0.podsTotal) })),
                .array(.int32s(instances.map { Int32(clamping: $0.objects) })),
                .array(.int64s(instances.map(\.revision))), .timestamp(now), .text(worker),
            ]
        )
    }

    private static func keys(_ ids: [InstanceID]) -> [PostgresValue] {
        [
            .array(.texts(ids.map(\.stream.cluster))), .array(.texts(ids.map(\.stream.namespace))),
            .array(.texts(ids.map(\.instance))),
        ]
    }

    private static func instance(_ row: PostgresRow) throws(PostgresError) -> InstanceHealth {
        InstanceHealth(
            id: try row.int64(1),
            hasOpenCommand: try row.bool(2),
            assessment: HealthAssessment(Health(rawValue: try row.string(3)) ?? .unknown, try row.optionalString(4)),
            podsReady: try row.int(5),
            podsTotal: try row.int(6),
            objects: try row.int(7),
            revision: try row.int64(8)
        )
    }
}
