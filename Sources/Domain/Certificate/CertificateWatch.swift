import Foundation
import Postgres
import WorkerRuntime

/// Looks at certificates as the clusters hold them, and at the clock: what the timekeeper does for them.
struct CertificateWatch {
    static let worker = "timekeeper"
    /// How many days before the end to begin to warn.
    let warningDays: Int
    let duties: RoundDuties

    /// Whether a command is over only when the cluster says that the certificate was issued.
    static func waits(_ command: Command) -> Bool { command.operation == RequestCertificate.name }

    /// One round; returns whether anything changed.
    func round(on connection: PostgresConnection) throws -> Bool {
        let ordered = try duties.attempt("certificate orders", on: connection) { try orders(on: connection) } ?? []
        let moved = try ordered.filter { order in
            try duties.attempt("certificate order", of: "\(order)", on: connection) {
                try refresh(order, on: connection)
            } ?? false
        }
        let objects = try duties.attempt("due certificates", on: connection) { try due(on: connection) } ?? []
        let looked = try objects.filter { object in
            try duties.attempt(Self.looksAt, of: "\(object)", on: connection) {
                try look(object, on: connection)
            } ?? false
        }
        return !moved.isEmpty || !looked.isEmpty
    }

    private static let looksAt = "certificate"

    // MARK: Orders that wait to be issued

    /// A command that was applied, and the Certificate that it waits for.
    private struct Order {
        let id: UUID
        let applied: [AppliedObject]
        let before: CommandWindows
        let stored: [ObservedObject]
        let now: Int64

        /// The state of cert-manager's object decides; whether it is the one that was applied, too.
        var after: CommandWindows {
            guard !applied.isEmpty else { return CommandWindows() }
            return CommandObservation.windows(
                applied: applied,
                stored: stored,
                sign: nil,
                before: before,
                gating: ["Certificate"],
                now: now
            )
        }

        static let query = """
            select c.id, c.objects::text, c.healthy_since, c.failing_since, c.failing_code, c.failing_reason,
                clock_timestamp(), r.kind, r.name, r.uid, r.observed_generation, r.health, r.health_reason,
                jsonb_build_object('uid', r.uid, 'status', (r.object -> 'status')::jsonb)::text, o.ordered_over::text
            from command c
            join environment e on e.id = c.environment_id
            join environment_object o on o.id = c.object_id
            left join resource r on r.cluster = e.cluster and r.namespace = e.namespace and r.kind = 'Certificate'
                and r.name = c.subject_name and not r.gone
            where c.state = 'applied' and c.operation = $1
            """

        init(_ row: PostgresRow) throws {
            id = try row.uuid(0)
            applied =
                try row.optionalString(1).map {
                    try JSONDecoder().decode([AppliedObject].self, from: Data($0.utf8))
                }?.filter { $0.kind == "Certificate" } ?? []
            var windows = CommandWindows()
            windows.healthySince = try row.optionalTimestamp(2)
            windows.failingSince = try row.optionalTimestamp(3)
            windows.failing = try row.optionalString(4).map {
                Reason(code: $0, sentence: try row.optionalString(5) ?? "")
            }
            before = windows
            now = try row.timestamp(6)
            guard let kind = try row.optionalString(7) else {
                stored = []
                return
            }
            let decoder = JSONDecoder()
            let standing = CertificateNews.standing(
                .init(health: Health(rawValue: try row.string(11)) ?? .unknown, reason: try row.optionalString(12)),
                try decoder.decode(CertificateNews.Said.self, from: Data(row.string(13).utf8)),
                before: try row.optionalString(14).map {
                    try decoder.decode(CertificateNews.Said.self, from: Data($0.utf8))
                }
            )
            stored = [
                ObservedObject(
                    kind: kind,
                    name: try row.string(8),
                    uid: try row.string(9),
                    observedGeneration: try row.optionalInt64(10),
                    health: standing.health,
                    healthReason: standing.reason
                )
            ]
        }
    }

    /// How many orders are read at once.
    private static let page = 200

    /// The few orders whose windows are to change, or that cannot be read; not locked.
    ///
    /// However many wait, each is looked at. Of one that the cluster shows nothing of, only what was noted can change.
    private func orders(on connection: PostgresConnection) throws -> [UUID] {
        var changed: [UUID] = []
        var last: UUID?
        while true {
            let rows = try connection.query(
                """
                \(Order.query) and ($2::uuid is null or c.id > $2)
                    and (r.uid is not null or c.healthy_since is not null or c.failing_since is not null)
                order by c.id limit \(Self.page)
                """,
                [.text(RequestCertificate.name), .optionalUUID(last)]
            )
            for row in rows {
                let id = try row.uuid(0)
                if (try? Order(row)).map({ $0.after != $0.before }) ?? true { changed.append(id) }
                last = id
            }
            guard rows.count == Self.page else { return changed }
        }
    }

    /// Writes the windows of an order, looked at again under its lock.
    private func refresh(_ id: UUID, on connection: PostgresConnection) throws -> Bool {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let held = try transaction.query(
                "select id from command where id = $1 and state = 'applied' for no key update skip locked",
                [.uuid(id)]
            )
            guard held.count == 1 else { return false }
            let row = try transaction.query(
                "\(Order.query) and c.id = $2",
                [.text(RequestCertificate.name), .uuid(id)]
            ).first
            guard let order = try row.map({ try Order($0) }), order.after != order.before else { return false }
            let after = order.after
            try transaction.submit(
                """
                update command
                set healthy_since = $2, failing_since = $3, failing_code = $4, failing_reason = $5 where id = $1
                """,
                [
                    .uuid(id), .optionalTimestamp(after.healthySince), .optionalTimestamp(after.failingSince),
                    .optionalText(after.failing?.code), .optionalText(after.failing?.sentence),
                ]
            )
            return true
        }
    }

    // MARK: Certificates whose time comes

    /// Certificates that the clock, or what their cluster says of them, may move; not locked.
    private func due(on connection: PostgresConnection) throws -> [Int64] {
        try connection.query(
            """
            select o.id
            from environment_object o
            join environment e on e.id = o.environment_id
            left join resource r on r.cluster = e.cluster and r.namespace = e.namespace and r.kind = 'Certificate'
                and r.name = o.name and not r.gone and o.spec -> 'chain' is null
            where o.kind = 'certificate' and o.state in ('active', 'expiring', 'expired', 'failed')
                and o.open_command is null and o.id <> all($2)
                and (o.state = 'active' and now() >= greatest(
                        -- Days of 24 hours, whatever the clocks of the session's time zone do.
                        o.not_after - $1 * interval '24 hours',
                        o.not_after - make_interval(secs => extract(epoch from o.not_after - o.not_before) / 4))
                    or o.state in ('active', 'expiring') and now() >= o.not_after
                    or r.health = 'healthy' and r.object #>> '{status,notAfter}' is distinct from o.seen_end)
            order by o.id limit 100
            """,
            [.int32(Int32(warningDays)), .array(.int64s(duties.resting(Self.looksAt).compactMap { Int64($0) }))]
        ).map { try $0.int64(0) }
    }

    /// Looks at one certificate under the locks of its environment and its own.
    private func look(_ id: Int64, on connection: PostgresConnection) throws -> Bool {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let place = try transaction.query(
                """
                select e.id from environment e join environment_object o on o.environment_id = e.id
                where o.id = $1 for no key update of e skip locked
                """,
                [.int64(id)]
            )
            guard place.count == 1 else { return false }
            try transaction.submit(
                "select id from environment_object where id = $1 for no key update",
                [.int64(id)]
            )
            let now = try transaction.query("select clock_timestamp()").only().timestamp(0)
            let object = try ObjectStore(worker: Self.worker).find(id, in: transaction)
            guard object.openCommand == nil else { return false }
            let outbox = OutboxBuffer()
            let moved = try move(object, now: now, outbox: outbox, in: transaction)
            try OutboxWriter.write(outbox, in: transaction)
            return moved
        }
    }

    private func move(
        _ object: EnvironmentObject,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        guard let state = CertificateState(rawValue: object.state) else { return false }
        let seen = try CertificateValidity.observed(of: object, in: transaction)
        let end = try CertificateValidity.seenEnd(of: object, in: transaction)
        guard var validity = seen ?? object.validity else {
            try note(end, object, in: transaction)
            return false
        }
        validity.warningDays = warningDays
        let isNew =
            object.validity.map { $0.notBefore != validity.notBefore || $0.notAfter != validity.notAfter } ?? true
        let event: CertificateState.Event = isNew ? .issued(validity, now: now) : .looked(validity, now: now)
        var next = state
        if case .to(let moved) = CertificateState.next(state, event) { next = moved }
        guard next != state || isNew else {
            try note(end, object, in: transaction)
            return false
        }
        try transaction.submit(
            """
            update environment_object
            set state = $2, not_before = $3, not_after = $4, seen_end = $5, reason_code = null, reason = null,
                -- What the cluster issued is what was wanted last, also where the order it took had ended before.
                running_spec = case when $8 then spec else running_spec end,
                running_confidential = case when $8 then confidential else running_confidential end,
                revision = revision + 1, changed_at = $6, changed_by = $7
            where id = $1
            """,
            [
                .int64(object.id), .text(next.rawValue), .timestamp(validity.notBefore), .timestamp(validity.notAfter),
                .optionalText(end), .timestamp(now), .text(Self.worker),
                .bool(try isNew && seen != nil ? tookNewest(of: object, in: transaction) : false),
            ]
        )
        try ObjectProgress(worker: Self.worker).publish([object.id], outbox: outbox, in: transaction)
        return true
    }

    /// Whether the cluster took the newest command, by which it issues what that asked for.
    ///
    /// An order that never reached it leaves cert-manager renewing the former one. The object's own generation does not
    /// tell which command is the newest: a recovery raises it.
    private func tookNewest(of object: EnvironmentObject, in transaction: borrowing PostgresTransaction) throws -> Bool
    {
        try transaction.query(
            """
            select c.state = 'succeeded' or c.objects is not null
                or exists (select from command_step t where t.command = c.id and t.state = 'applied')
            from command c where c.object_id = $1 order by c.generation desc limit 1
            """,
            [.int64(object.id)]
        ).first?.bool(0) ?? false
    }

    /// What was seen says nothing new: it is not looked at again.
    private func note(_ end: String?, _ object: EnvironmentObject, in transaction: borrowing PostgresTransaction) throws
    {
        try transaction.submit(
            "update environment_object set seen_end = $2 where id = $1",
            [.int64(object.id), .optionalText(end)]
        )
    }
}
