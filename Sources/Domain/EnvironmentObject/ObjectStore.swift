import Foundation
import Postgres
import WorkerRuntime

/// The rows of objects; their environment's row is locked, and they are.
struct ObjectStore {
    /// The program that writes.
    let worker: String

    /// The row of a name, deleted or not.
    func find(
        _ concept: ObjectConcept,
        _ name: String,
        in environment: Int64,
        _ transaction: borrowing PostgresTransaction
    ) throws -> EnvironmentObject? {
        try transaction.query(
            """
            select \(EnvironmentObject.columns) from environment_object
            where environment_id = $1 and kind = $2 and name = $3
            """,
            [.int64(environment), .text(concept.rawValue), .text(name)]
        ).first.map { try EnvironmentObject($0) }
    }

    /// The row of an id.
    func find(_ id: Int64, in transaction: borrowing PostgresTransaction) throws -> EnvironmentObject {
        let row = try transaction.query(
            "select \(EnvironmentObject.columns) from environment_object where id = $1",
            [.int64(id)]
        )
        return try EnvironmentObject(row.only())
    }

    /// The newest generation of the objects that had a name in the environment's namespace, whosever it was.
    func newestGeneration(
        _ concept: ObjectConcept,
        _ name: String,
        in environment: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws -> Int64 {
        try transaction.query(
            """
            select coalesce(max(generation), 0) from environment_object
            where environment_id = any(\(EnvironmentNamespace.holders)) and kind = $3 and name = $4
            """,
            [.text(environment.cluster), .text(environment.namespace), .text(concept.rawValue), .text(name)]
        ).only().int64(0)
    }

    /// Those objects of an environment that claim one of these, by name; each is looked up by its key.
    ///
    /// A claim is written as `V1057_object_claims` has it, such as `host/shop.example.org`, which only a domain has.
    func all(
        claiming claims: [String],
        in environment: Int64,
        _ transaction: borrowing PostgresTransaction
    ) throws -> [EnvironmentObject] {
        guard !claims.isEmpty else { return [] }
        return try transaction.query(
            """
            select \(EnvironmentObject.columns) from environment_object
            where object_claims(environment_id, kind, spec, running_spec) && $1::text[] and state <> 'deleted'
            order by name
            """,
            [.array(.texts(claims.map { "\(environment)/\($0)" }))]
        ).map { try EnvironmentObject($0) }
    }

    /// Those objects of a concept that an environment has under these names; each is looked up by its key.
    func all(
        _ concept: ObjectConcept,
        named names: [String],
        in environment: Int64,
        _ transaction: borrowing PostgresTransaction
    ) throws -> [EnvironmentObject] {
        guard !names.isEmpty else { return [] }
        return try transaction.query(
            """
            select \(EnvironmentObject.columns) from unnest($3::text[]) as wanted(one)
            cross join lateral (
                select * from environment_object
                where environment_id = $1 and kind = $2 and name = wanted.one limit 1
            ) o
            where o.state <> 'deleted'
            """,
            [.int64(environment), .text(concept.rawValue), .array(.texts(names))]
        ).map { try EnvironmentObject($0) }
    }

    /// What a change writes.
    struct Change {
        let environment: Int64
        let concept: ObjectConcept
        let name: String
        let description: String?
        let spec: [UInt8]
        let confidential: EncryptedValues
        let placed: [ObjectReference]
        let generation: Int64
        let state: String
        let command: UUID
        /// What the cluster said of a certificate that is ordered anew; `nil` for everything else: JSON.
        let orderedOver: [UInt8]?
        /// Whether the name begins a new life: nothing of an earlier one is kept.
        let isNew: Bool
    }

    /// Writes an object as a command wants it to be, and returns its id.
    func write(_ change: Change, now: Int64, in transaction: borrowing PostgresTransaction) throws -> Int64 {
        try transaction.query(
            """
            insert into environment_object as o (environment_id, kind, name, description, spec, confidential, placed,
                generation, state, open_command, revision, created_at, changed_at, changed_by, ordered_over)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, first_number(), $11, $11, $12, $14)
            on conflict (environment_id, kind, name) do update
                set description = excluded.description, spec = excluded.spec, confidential = excluded.confidential,
                    placed = excluded.placed, generation = excluded.generation, state = excluded.state,
                    open_command = excluded.open_command, ordered_over = excluded.ordered_over, reason_code = null,
                    reason = null, drift = null,
                    running_spec = case when $13 then null else o.running_spec end,
                    running_confidential = case when $13 then null else o.running_confidential end,
                    not_before = case when $13 then null else o.not_before end,
                    not_after = case when $13 then null else o.not_after end,
                    seen_end = case when $13 then null else o.seen_end end,
                    created_at = case when $13 then excluded.created_at else o.created_at end,
                    revision = o.revision + 1, changed_at = excluded.changed_at, changed_by = excluded.changed_by
            returning id
            """,
            [
                .int64(change.environment), .text(change.concept.rawValue), .text(change.name),
                .optionalText(change.description), .jsonb(change.spec), .jsonb(try change.confidential.json),
                .jsonb(Array(try JSONEncoder.stable.encode(change.placed))), .int64(change.generation),
                .text(change.state), .uuid(change.command), .timestamp(now), .text(worker), .bool(change.isNew),
                .optionalJSONB(change.orderedOver),
            ]
        ).only().int64(0)
    }

    /// What the cluster says of a Certificate of cert-manager; `nil` where nothing was heard of one: JSON.
    func said(
        ofCertificate name: String,
        in environment: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws -> [UInt8]? {
        try transaction.query(
            """
            select jsonb_build_object('uid', uid, 'status', (object -> 'status')::jsonb)::text from resource
            where cluster = $1 and namespace = $2 and kind = 'Certificate' and name = $3 and not gone
            """,
            [.text(environment.cluster), .text(environment.namespace), .text(name)]
        ).first.map { Array(try $0.string(0).utf8) }
    }
}
