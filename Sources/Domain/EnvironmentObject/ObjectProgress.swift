import Foundation
public import Postgres
public import WorkerRuntime

/// What the end of a command means for its object, and what is published of an object.
public struct ObjectProgress {
    /// The program that writes.
    public let worker: String

    /// Makes it for one program.
    public init(worker: String) {
        self.worker = worker
    }

    /// Frees the object for the next command and publishes its state.
    ///
    /// A command that a newer one replaced leaves the object to that one.
    func commandEnded(
        _ command: Command,
        object id: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let object = try ObjectStore(worker: worker).find(id, in: transaction)
        guard object.openCommand == command.id, command.state != .superseded else { return }
        let operation = ObjectOperation(of: command)
        let validity = try CertificateValidity.observed(of: object, in: transaction)
        let event: ObjectLife.Event =
            command.state == .succeeded ? .succeeded(operation, validity) : .failed(operation)
        let state = ObjectLife.next(object.standing, event, now: now) ?? object.state
        let isDone = command.state == .succeeded
        try write(
            object,
            state: state,
            reason: isDone
                ? nil : command.reason ?? Reason(code: command.state.rawValue, sentence: "It was taken back."),
            done: isDone ? operation : nil,
            validity: isDone ? validity : object.validity,
            now: now,
            in: transaction
        )
        try publish([id], outbox: outbox, in: transaction)
    }

    /// Notes what the cluster did after its command had ended otherwise, such as by a deadline.
    ///
    /// The command stays ended; what the database says of the object must be what the cluster holds.
    func appliedLate(
        _ command: Command,
        object id: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let object = try ObjectStore(worker: worker).find(id, in: transaction)
        guard object.openCommand == nil, object.generation == command.generation else { return }
        let operation = ObjectOperation(of: command)
        let validity = try CertificateValidity.observed(of: object, in: transaction)
        guard let state = ObjectLife.next(object.standing, .succeededLate(operation, validity), now: now) else {
            return
        }
        try write(object, state: state, reason: nil, done: operation, validity: validity, now: now, in: transaction)
        try publish([id], outbox: outbox, in: transaction)
    }

    /// Publishes the state of objects whose rows the transaction has locked, as it stands now.
    public func publish(_ objects: [Int64], outbox: OutboxBuffer, in transaction: borrowing PostgresTransaction) throws
    {
        let rows = try transaction.query(
            """
            select \(ObjectStatus.columns) from environment_object o join environment e on e.id = o.environment_id
            where o.id = any($1) order by o.id
            """,
            [.array(.int64s(objects))]
        )
        for row in rows { outbox.append(try ObjectStatus(row).record) }
    }

    /// Notes that an environment went with everything in it, and publishes the end of each of its objects.
    public func environmentRemoved(
        _ environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let removed = try transaction.query(
            """
            update environment_object
            set state = 'deleted', open_command = null, placed = '[]', confidential = '{}', running_spec = null,
                running_confidential = null, revision = revision + 1, changed_at = $2, changed_by = $3
            where environment_id = $1 and state <> 'deleted'
            returning id
            """,
            [.int64(environment), .timestamp(now), .text(worker)]
        ).map { try $0.int64(0) }
        try publish(removed, outbox: outbox, in: transaction)
    }

    /// - Parameter done: What the cluster is known to have done.
    private func write(
        _ object: EnvironmentObject,
        state: String,
        reason: Reason?,
        done: ObjectOperation?,
        validity: CertificateValidity?,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let isGone = state == ObjectLife.deleted
        var placed = object.placed
        if done == .delete {
            placed = []
        } else if done != nil {
            let head = ObjectHead(concept: object.concept, namespace: "", name: object.name)
            placed = try ObjectShape(head, spec: object.spec, keys: object.confidential.names).references
        }
        try transaction.submit(
            """
            update environment_object
            set state = $2, reason_code = $3, reason = $4, not_before = $5, not_after = $6, placed = $7,
                open_command = null,
                -- Told of what was there before.
                drift = case when $9 then null else drift end,
                running_spec = case when $8 then null when $9 then spec else running_spec end,
                running_confidential = case when $8 then null when $9 then confidential else running_confidential end,
                confidential = case when $8 then '{}' else confidential end,
                revision = revision + 1, changed_at = $10, changed_by = $11
            where id = $1
            """,
            [
                .int64(object.id), .text(state), .optionalText(reason?.code), .optionalText(reason?.sentence),
                .optionalTimestamp(validity?.notBefore), .optionalTimestamp(validity?.notAfter),
                .jsonb(Array(try JSONEncoder.stable.encode(placed))), .bool(isGone), .bool(done != nil),
                .timestamp(now), .text(worker),
            ]
        )
    }
}

extension ObjectOperation {
    /// What a command on an object does.
    init(of command: Command) {
        if command.operation.hasSuffix(".delete") {
            self = .delete
        } else {
            self = command.operation.hasSuffix(".update") ? .edit : .create
        }
    }
}
