public import Postgres
import WorkerRuntime

/// Publishes the newest state of compacted keys again, from the rows that hold it.
///
/// Where nothing has changed since, the message is byte for byte the one that was published: its id, its revision, its
/// time. Rows are locked as for every record of the outbox, so a state that is sent again never follows a newer one.
public enum Republication {
    /// The most keys of one transaction.
    public static let chunk = 1000

    /// Takes marked keys and appends their newest state to the outbox, in one transaction.
    ///
    /// - Returns: How many keys were taken; none are left, or taken by another, when it is zero.
    public static func round(on connection: PostgresConnection, limit: Int = chunk) throws -> Int {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let keys = try RepublishMarks.take(limit: limit, in: transaction)
            guard !keys.isEmpty else { return 0 }
            let outbox = OutboxBuffer()
            try publish(keys, outbox: outbox, in: transaction)
            try OutboxWriter.write(outbox, in: transaction)
            return keys.count
        }
    }

    /// Marks every key that was ever published on a compacted topic; ``round(on:limit:)`` then publishes them.
    ///
    /// - Returns: How many keys were marked that were not before.
    public static func markEverything(in transaction: borrowing PostgresTransaction) throws(PostgresError) -> Int {
        try transaction.query(
            """
            insert into outbox_republish (topic, key)
            select 'environment.status', convert_to(project || '/' || environment, 'UTF8') from environment
            union all
            select 'instance.status', convert_to(e.project || '/' || e.environment || '/' || i.instance, 'UTF8')
            from instance i join environment e on e.id = i.environment_id
            union all
            select 'object.status',
                convert_to(concat_ws('/', e.project, e.environment, o.kind, o.name), 'UTF8')
            from environment_object o join environment e on e.id = o.environment_id
            union all
            select 'resource.status', convert_to(concat_ws('/', cluster, namespace, kind, name), 'UTF8')
            from resource where revision > 0
            on conflict do nothing
            """
        ).affected
    }

    /// Locks the rows of keys in the fleet's one order and appends their newest state; a key without a row is left out.
    static func publish(
        _ keys: [OutboxKey],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let names = Dictionary(grouping: keys, by: \.topic).mapValues { keys in
            keys.map { String(decoding: $0.key, as: UTF8.self) }
        }
        try resources(names["resource.status"] ?? [], outbox: outbox, in: transaction)
        try environments(names["environment.status"] ?? [], outbox: outbox, in: transaction)
        try instances(names["instance.status"] ?? [], outbox: outbox, in: transaction)
        try objects(names[ObjectStatus.topic] ?? [], outbox: outbox, in: transaction)
    }

    /// SQL for the environment that each wanted row names, by its key: a join could read all that the environment holds
    /// for each of them.
    private static let wantedEnvironment = """
        cross join lateral (
            select id from environment
            where project = wanted.project and environment = wanted.environment limit 1
        ) place
        """

    /// An object that is gone is published as the tombstone that it is.
    private static func objects(
        _ keys: [String],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let names = keys.map { $0.split(separator: "/", maxSplits: 3).map(String.init) }.filter { $0.count == 4 }
        guard !names.isEmpty else { return }
        let rows = try transaction.query(
            """
            select \(ObjectStatus.columns) from environment_object o join environment e on e.id = o.environment_id
            where o.id = any(array(
                select found.id
                from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as wanted(project, environment, kind, name)
                \(wantedEnvironment)
                cross join lateral (
                    select id from environment_object
                    where environment_id = place.id and kind = wanted.kind and name = wanted.name limit 1
                ) found))
            order by o.id for no key update of o
            """,
            (0..<4).map { part in .array(.texts(names.map { $0[part] })) }
        )
        for row in rows { outbox.append(try ObjectStatus(row).record) }
    }

    /// The streams are locked before their objects, as by those who write them.
    private static func resources(
        _ keys: [String],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let ids = keys.compactMap(ResourceID.init(key:))
        guard !ids.isEmpty else { return }
        let store = ResourceStore()
        _ = try store.submitLock(ofStreams: Set(ids.map(\.stream)).sorted(), in: transaction)
        for status in try store.lockStatuses(of: ids, in: transaction) where status.state.revision > 0 {
            outbox.append(ResourceStatus.record(of: status.id, status.state, at: status.time))
        }
    }

    private static func environments(
        _ keys: [String],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let names = keys.map { $0.split(separator: "/", maxSplits: 1).map(String.init) }.filter { $0.count == 2 }
        guard !names.isEmpty else { return }
        let rows = try transaction.query(
            """
            select \(EnvironmentStatus.columns) from environment
            where (project, environment) in (select * from unnest($1::text[], $2::text[]))
            order by id for no key update
            """,
            [.array(.texts(names.map { $0[0] })), .array(.texts(names.map { $0[1] }))]
        )
        for row in rows { outbox.append(try EnvironmentStatus(row).record) }
    }

    private static func instances(
        _ keys: [String],
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let names = keys.map { $0.split(separator: "/", maxSplits: 2).map(String.init) }.filter { $0.count == 3 }
        guard !names.isEmpty else { return }
        let rows = try transaction.query(
            """
            select \(InstanceStatus.columns) from instance i join environment e on e.id = i.environment_id
            where i.id = any(array(
                select found.id
                from unnest($1::text[], $2::text[], $3::text[]) as wanted(project, environment, instance)
                \(wantedEnvironment)
                cross join lateral (
                    select id from instance where environment_id = place.id and instance = wanted.instance limit 1
                ) found))
            order by i.id for no key update of i
            """,
            [
                .array(.texts(names.map { $0[0] })), .array(.texts(names.map { $0[1] })),
                .array(.texts(names.map { $0[2] })),
            ]
        )
        for row in rows { outbox.append(try InstanceStatus(row).record) }
    }
}

extension ResourceID {
    /// Reads a key of `resource.status`.
    init?(key: String) {
        let parts = key.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4 else { return nil }
        self.init(stream: StreamID(cluster: parts[0], namespace: parts[1]), kind: parts[2], name: parts[3])
    }
}
