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
        if command.state == .succeeded {
            let operation = ObjectOperation(of: command)
            let validity = try CertificateValidity.observed(of: object, in: transaction)
            let state = ObjectLife.next(object.standing, .succeeded(operation, validity), now: now) ?? object.state
            let write = Write(state: state, content: .done(operation), validity: validity ?? object.validity)
            try self.write(write, to: object, now: now, in: transaction)
            try ObjectAttempts.forget(upTo: command, of: id, in: transaction)
        } else {
            try notDone(command, object, now: now, in: transaction)
        }
        try publish([id], outbox: outbox, in: transaction)
    }

    /// What is left of an object whose newest command was not done, as far as anybody knows.
    ///
    /// What was taken back before the agent took it leaves what was there before; after something that failed, nobody
    /// knows what that is.
    private func notDone(
        _ command: Command,
        _ object: EnvironmentObject,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let operation = ObjectOperation(of: command)
        let isTakenBack = command.state == .canceled && object.running != nil
        let isSound = try isTakenBack ? !ObjectAttempts.haveFailed(object.id, in: transaction) : false
        try ObjectAttempts.keep(object, of: command, in: transaction)
        let event: ObjectLife.Event = isSound ? .canceled(operation) : .failed(operation)
        let write = Write(
            state: ObjectLife.next(object.standing, event, now: now) ?? object.state,
            reason: command.reason ?? Reason(code: command.state.rawValue, sentence: "It was taken back."),
            content: try isTakenBack || object.isJudgedByContent ? .former : .kept,
            validity: object.validity
        )
        try self.write(write, to: object, now: now, in: transaction)
    }

    /// Notes what the cluster did after its command had ended otherwise, such as by a deadline.
    ///
    /// The command stays ended; what the database says of the object must be what the cluster holds, also while a newer
    /// command is on its way or after it has failed.
    func appliedLate(
        _ command: Command,
        object id: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard command.state != .succeeded else { return }
        let object = try ObjectStore(worker: worker).find(id, in: transaction)
        let isShown: Bool
        if object.openCommand == nil, try isNewest(command, of: id, in: transaction) {
            guard let state = try doneLate(command, object, now: now, in: transaction) else { return }
            // Of what is gone nothing is kept, nor of what was asked for since and taken back.
            if state == ObjectLife.deleted { try ObjectAttempts.forget(object: id, in: transaction) }
            isShown = true
        } else {
            // That an order was taken says nothing of a certificate.
            guard !CertificateWatch.waits(command),
                let shown = try ObjectAttempts.left(command, now: now, by: worker, in: transaction)
            else { return }
            isShown = shown
        }
        try ObjectAttempts.forget(upTo: command, of: id, in: transaction)
        if isShown { try publish([id], outbox: outbox, in: transaction) }
    }

    /// Whether nothing newer was asked for of the object but what was taken back.
    ///
    /// Behind a certificate's order that counts, too: it is judged by what is issued. The object's own generation does not
    /// tell, since a recovery raises it.
    private func isNewest(
        _ command: Command,
        of object: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        try transaction.query(
            """
            select not exists (
                select from command where object_id = $1 and generation > $2 and (state <> 'canceled' or $3))
            """,
            [.int64(object), .int64(command.generation), .bool(CertificateWatch.waits(command))]
        ).only().bool(0)
    }

    /// Notes that the newest command was done after it had ended; returns what the object is then, where that is news.
    ///
    /// What it asked for was kept, unless a worker of the version before ended it: then the row says it still.
    private func doneLate(
        _ command: Command,
        _ present: EnvironmentObject,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> String? {
        let isOrder = CertificateWatch.waits(command)
        let isKept = try isOrder ? false : ObjectAttempts.want(command, in: transaction)
        guard isKept || present.state == ObjectState.failed.rawValue else { return nil }
        let object = try ObjectStore(worker: worker).find(present.id, in: transaction)
        let operation = ObjectOperation(of: command)
        let validity = try CertificateValidity.observed(of: object, in: transaction)
        guard let state = ObjectLife.next(object.standing, .succeededLate(operation, validity), now: now) else {
            return nil
        }
        let write = Write(state: state, content: .done(operation), validity: validity)
        try self.write(write, to: object, now: now, in: transaction)
        return state
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
        try ObjectAttempts.forget(environment: environment, in: transaction)
        try publish(removed, outbox: outbox, in: transaction)
    }

    /// What is written of an object when a command on it has ended.
    private struct Write {
        /// What becomes of what is wanted.
        enum Content {
            case kept
            /// The cluster is known to have done it.
            case done(ObjectOperation)
            /// It is again what the last success left, where there was one.
            case former
        }

        let state: String
        var reason: Reason?
        let content: Content
        let validity: CertificateValidity?

        var isDone: Bool { if case .done = content { true } else { false } }
        var isFormer: Bool { if case .former = content { true } else { false } }
        var isGone: Bool { state == ObjectLife.deleted }

        /// What may be in the cluster then.
        func placed(_ object: EnvironmentObject) throws -> [ObjectReference] {
            guard case .done(let operation) = content else { return object.placed }
            guard operation != .delete else { return [] }
            let head = ObjectHead(concept: object.concept, namespace: "", name: object.name)
            return try ObjectShape(head, spec: object.spec, keys: object.confidential.names).references
        }
    }

    private func write(
        _ write: Write,
        to object: EnvironmentObject,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            """
            update environment_object
            set state = $2, reason_code = $3, reason = $4, not_before = $5, not_after = $6, placed = $7,
                open_command = null,
                -- Told of what was there before.
                drift = case when $9 then null else drift end,
                spec = case when $12 then coalesce(running_spec, spec) else spec end,
                running_spec = case when $8 then null when $9 then spec else running_spec end,
                running_confidential = case when $8 then null when $9 then confidential else running_confidential end,
                confidential = case
                    when $8 then '{}'
                    when $12 and running_spec is not null then coalesce(running_confidential, '{}')
                    else confidential end,
                revision = revision + 1, changed_at = $10, changed_by = $11
            where id = $1
            """,
            [
                .int64(object.id), .text(write.state), .optionalText(write.reason?.code),
                .optionalText(write.reason?.sentence), .optionalTimestamp(write.validity?.notBefore),
                .optionalTimestamp(write.validity?.notAfter),
                .jsonb(Array(try JSONEncoder.stable.encode(try write.placed(object)))), .bool(write.isGone),
                .bool(write.isDone), .timestamp(now), .text(worker), .bool(write.isFormer),
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
