internal import CloudEvents
import Foundation
import Postgres

/// What hook Jobs wrote, in the table `stage`, and Kubernetes Events, in the table `cluster_event`.
struct OutputStore {
    /// A stage of a command.
    struct Stage: Hashable {
        let cluster: String
        let command: UUID
        let name: String
    }

    /// What a stage wrote, as one boot of an agent told it.
    struct Word {
        let epoch: Int64
        let sequence: Int64
        let output: StageOutput

        /// Whether the other one was said later.
        func isOlder(than other: Word) -> Bool { (epoch, sequence) < (other.epoch, other.sequence) }
    }

    /// An Event of a cluster.
    struct EventID: Hashable {
        let cluster: String
        let namespace: String
        let uid: String
    }

    /// How many Events of an instance are kept: the newest.
    static let eventsKept: Int32 = 100

    /// Writes what stages wrote; the newest word counts, however late an older one comes.
    ///
    /// - Returns: The stages whose command is one of their cluster's, and whether the word was new.
    func write(
        _ outputs: [Stage: Word],
        in transaction: borrowing PostgresTransaction
    ) throws -> [Stage: Bool] {
        guard !outputs.isEmpty else { return [:] }
        let kept = outputs.mapValues { $0.output.output.suffix(bytes: StageOutput.mostBytes) }
        let rows = outputs.sorted {
            ($0.key.command.uuidString, $0.key.name) < ($1.key.command.uuidString, $1.key.name)
        }
        let written = try transaction.query(
            """
            with known as (
                select c.id, left(new.name, 253) as name, new.output, new.truncated, new.epoch, new.sequence
                from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::bigint[])
                    as new(cluster, command, name, output, truncated, epoch, sequence)
                join command c on c.id = new.command and c.cluster = new.cluster
            ), written as (
                insert into stage as s
                    (command, name, output, truncated, output_epoch, output_sequence, output_at)
                select known.*, now() from known order by id, name
                on conflict (command, name) do update
                    set output = excluded.output, truncated = excluded.truncated,
                        output_epoch = excluded.output_epoch, output_sequence = excluded.output_sequence,
                        output_at = excluded.output_at
                    where (s.output_epoch, s.output_sequence) < (excluded.output_epoch, excluded.output_sequence)
                returning command, name
            )
            select known.id, known.name, written.command is not null
            from known left join written on written.command = known.id and written.name = known.name
            """,
            [
                .array(.texts(rows.map(\.key.cluster))), .array(.uuids(rows.map(\.key.command))),
                .array(.texts(rows.map(\.key.name))),
                .array(.texts(rows.map { kept[$0.key] ?? "" })),
                .array(.bools(rows.map { $0.value.output.truncated || kept[$0.key] != $0.value.output.output })),
                .array(.int64s(rows.map(\.value.epoch))), .array(.int64s(rows.map(\.value.sequence))),
            ]
        )
        var found: [String: Bool] = [:]
        for row in written { found["\(try row.uuid(0)) \(try row.string(1))"] = try row.bool(2) }
        return outputs.keys.reduce(into: [:]) { $0[$1] = found["\($1.command) \($1.name.prefix(253))"] }
    }

    /// Writes Events, each with its highest count, and drops the oldest of instances that have too many.
    ///
    /// Those of no instance are looked for apart: a comparison that takes null for equal uses no index, and each batch
    /// would read all Events of the namespace.
    func write(
        _ events: [EventID: KubernetesEvent],
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard !events.isEmpty else { return }
        let rows = events.sorted {
            ($0.key.cluster, $0.key.namespace, $0.key.uid) < ($1.key.cluster, $1.key.namespace, $1.key.uid)
        }
        func texts(_ text: (KubernetesEvent) -> String, limit: Int = 253) -> PostgresValue {
            .array(.texts(rows.map { String(text($0.value).prefix(limit)) }))
        }
        let clusters = PostgresValue.array(.texts(rows.map(\.key.cluster)))
        let namespaces = PostgresValue.array(.texts(rows.map(\.key.namespace)))
        try transaction.submit(
            """
            insert into cluster_event as e (cluster, namespace, uid, instance, kind, name, type, reason, message, count,
                first_time, last_time)
            select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::int[], $11::timestamptz[], $12::timestamptz[])
            on conflict (cluster, namespace, uid) do update
                set message = excluded.message, count = excluded.count, last_time = excluded.last_time
                where (e.count, e.last_time) <= (excluded.count, excluded.last_time)
            """,
            [
                clusters, namespaces, .array(.texts(rows.map(\.key.uid))),
                .array(.optionalTexts(rows.map(\.value.instance))), texts(\.kind), texts(\.name), texts(\.type),
                texts(\.reason), texts(\.message, limit: 2000),
                .array(.int32s(rows.map { Int32(clamping: $0.value.count) })),
                .array(.timestamps(rows.map { RFC3339.parse($0.value.firstTime) ?? now })),
                .array(.timestamps(rows.map { RFC3339.parse($0.value.lastTime) ?? now })),
            ]
        )
        try transaction.submit(
            """
            delete from cluster_event e using (
                select old.place
                from (select distinct * from unnest($1::text[], $2::text[], $3::text[])) n(cluster, namespace, instance)
                cross join lateral (
                    (select k.ctid as place from cluster_event k
                    where k.cluster = n.cluster and k.namespace = n.namespace and k.instance = n.instance
                    order by k.last_time desc, k.uid desc offset $4)
                    union all
                    (select k.ctid from cluster_event k
                    where n.instance is null and k.cluster = n.cluster and k.namespace = n.namespace
                        and k.instance is null
                    order by k.last_time desc, k.uid desc offset $4)
                ) old
            ) too_many
            where e.ctid = too_many.place
            """,
            [
                clusters, namespaces, .array(.optionalTexts(rows.map(\.value.instance))), .int32(Self.eventsKept),
            ]
        )
    }
}

extension String {
    /// The end of the text that fits, without half characters.
    public func suffix(bytes count: Int) -> String {
        guard utf8.count > count else { return self }
        return String(decoding: utf8.suffix(max(0, count)).drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
    }
}
