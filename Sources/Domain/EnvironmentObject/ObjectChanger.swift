import Foundation
import Postgres
import WorkerRuntime

/// What an object is to be: what its row will hold.
struct ObjectContent {
    /// As it was asked for, without anything confidential: JSON.
    var spec: [UInt8]
    var confidential = EncryptedValues()
    /// `nil` keeps the one that is there.
    var description: String?

    init(_ spec: some Encodable, confidential: EncryptedValues = .init(), description: String? = nil) throws {
        self.spec = Array(try JSONEncoder.stable.encode(spec))
        self.confidential = confidential
        self.description = description
    }
}

/// Creates, edits and deletes objects: reads what is known under locks, decides, writes the object and its command.
struct ObjectChanger {
    let act: RequestAct
    private let request: any ObjectRequest
    private let concept: ObjectConcept
    private let store = ObjectStore(worker: RequestDesk.worker)

    init(_ act: RequestAct, _ request: some ObjectRequest) {
        self.act = act
        self.request = request
        concept = type(of: request).concept
    }

    /// What is known before a change is decided; the rows are locked.
    struct Known {
        let environment: EnvironmentRow
        /// The row of the name; `nil` where there never was one, or the one that was is gone.
        let present: EnvironmentObject?
    }

    /// Makes an object that is not there.
    ///
    /// - Parameter content: What it is to be; throws where it does not go with what else there is.
    func create(in transaction: borrowing PostgresTransaction, _ content: (Known) throws -> ObjectContent) throws {
        try change(.create, in: transaction, content)
    }

    /// Changes an object that is there.
    func edit(in transaction: borrowing PostgresTransaction, _ content: (Known) throws -> ObjectContent) throws {
        try change(.edit, in: transaction, content)
    }

    /// Takes an object away.
    ///
    /// - Parameter check: Throws where others need it.
    func delete(in transaction: borrowing PostgresTransaction, _ check: (Known) throws -> Void = { _ in }) throws {
        let (environment, row) = try read(for: .remove, in: transaction)
        try ObjectLife.check(.delete, standing(of: row), request.object)
        guard let row else { return }
        try check(Known(environment: environment, present: row))
        let kept = ObjectContent(kept: row)
        try send(.delete, kept, over: row, environment, in: transaction)
    }

    private func change(
        _ operation: ObjectOperation,
        in transaction: borrowing PostgresTransaction,
        _ make: (Known) throws -> ObjectContent
    ) throws {
        let (environment, row) = try read(for: .deploy, in: transaction)
        try ObjectLife.check(operation, standing(of: row), request.object)
        let present = row.flatMap { $0.state == ObjectLife.deleted ? nil : $0 }
        let content = try make(Known(environment: environment, present: present))
        if present == nil { try checkName(content, environment, in: transaction) }
        if operation == .edit, let present, try !present.differs(from: content) {
            return try describe(present, content, in: transaction)
        }
        try send(operation, content, over: row, environment, in: transaction)
    }

    /// Refuses a new object whose name would make it write what is somebody else's in the cluster.
    private func checkName(
        _ content: ObjectContent,
        _ environment: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try ObjectOwner.checkFree(
            try shape(of: content).references,
            of: concept,
            request.object,
            in: environment,
            transaction
        )
    }

    private func shape(of content: ObjectContent) throws -> ObjectShape {
        let head = ObjectHead(concept: concept, namespace: "", name: request.object)
        return try ObjectShape(head, spec: content.spec, keys: content.confidential.names)
    }

    private func read(
        for use: EnvironmentUse,
        in transaction: borrowing PostgresTransaction
    ) throws -> (EnvironmentRow, EnvironmentObject?) {
        let environment = try act.environment(request.project, request.environment, for: use, in: transaction)
        return (environment, try store.find(concept, request.object, in: environment.id, transaction))
    }

    private func standing(of row: EnvironmentObject?) -> ObjectLife.Standing {
        row?.standing ?? ObjectLife.Standing(concept: concept, state: nil)
    }

    /// A new description is not the cluster's business: it is written and done.
    private func describe(
        _ present: EnvironmentObject,
        _ content: ObjectContent,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let description = content.description, description != present.description else {
            throw ObjectRefusal.unchanged(concept, request.object)
        }
        try transaction.submit(
            """
            update environment_object
            set description = $2, revision = revision + 1, changed_at = $3, changed_by = $4 where id = $1
            """,
            [.int64(present.id), .text(description), .timestamp(act.now), .text(RequestDesk.worker)]
        )
        var command = act.command(timeout: request.timeoutSeconds)
        command.environmentID = present.environmentID
        command.objectID = present.id
        try act.succeedAtOnce(command, in: transaction)
        try publish(present.id, in: transaction)
    }

    /// Writes the object as it is to be and sends its command; an open one, which it includes, ends.
    private func send(
        _ operation: ObjectOperation,
        _ content: ObjectContent,
        over row: EnvironmentObject?,
        _ environment: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let state = ObjectLife.next(standing(of: row), .accepted(operation), now: act.now) else { return }
        var command = act.command(timeout: request.timeoutSeconds)
        command.environmentID = environment.id
        command.cluster = environment.cluster
        command.generation = try lastGeneration(row, environment, in: transaction) + 1
        let placed = try placed(content, over: row, isRemoval: operation == .delete)
        let orderedOver = try operation == .create ? orderedOver(row, environment, in: transaction) : nil
        // Before anything is written: the message may be refused.
        let message = try ObjectDispatch(keyRing: act.desk.keyRing).message(
            of: command,
            .init(
                concept,
                request.object,
                content,
                placed: placed,
                isRemoval: operation == .delete,
                isOrderedAnew: orderedOver != nil
            ),
            at: .init(environment),
            post: try act.post(to: environment.cluster, in: transaction),
            now: act.now
        )
        let change = ObjectStore.Change(
            environment: environment.id,
            concept: concept,
            name: request.object,
            description: content.description ?? (operation == .create ? nil : row?.description),
            spec: content.spec,
            confidential: content.confidential,
            placed: placed,
            generation: command.generation,
            state: state,
            command: command.id,
            orderedOver: orderedOver,
            isNew: row == nil || row?.state == ObjectLife.deleted
        )
        let id = try store.write(change, now: act.now, in: transaction)
        command.objectID = id
        if change.isNew { try ObjectAttempts.forget(object: id, in: transaction) }
        if let row, let open = row.openCommand { try supersede(open, of: row, environment, in: transaction) }
        try act.accept(command, sending: message, in: transaction)
        try publish(id, in: transaction)
    }

    /// What the new command's generation is behind: a new life goes on where others of the name in the namespace ended.
    private func lastGeneration(
        _ row: EnvironmentObject?,
        _ environment: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64 {
        if let row, row.state != ObjectLife.deleted { return row.generation }
        let newest = try store.newestGeneration(concept, request.object, in: environment, transaction)
        return max(newest, environment.numbersBegin)
    }

    /// What the cluster says of a certificate that is about to be ordered where one is already; `nil` where none is.
    private func orderedOver(
        _ row: EnvironmentObject?,
        _ environment: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws -> [UInt8]? {
        guard concept == .certificate else { return nil }
        if let said = try store.said(ofCertificate: request.object, in: environment, transaction) { return said }
        // It may be there though nothing was heard of it.
        guard let row, row.state != ObjectLife.deleted else { return nil }
        return row.placed.contains { $0.kind == "Certificate" } ? Array("{}".utf8) : nil
    }

    /// What may be in the cluster from now on: what an open or failed command may have left there, too.
    private func placed(_ content: ObjectContent, over row: EnvironmentObject?, isRemoval: Bool) throws
        -> [ObjectReference]
    {
        let before = row?.placed ?? []
        guard !isRemoval else { return before }
        return before + (try shape(of: content).references.filter { !before.contains($0) })
    }

    private func supersede(
        _ id: UUID,
        of object: EnvironmentObject,
        _ environment: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let open = try act.desk.progress.store.lock([id], in: transaction)[id] else { return }
        try ObjectAttempts.keep(object, of: open, in: transaction)
        let reason = Reason(
            code: "superseded",
            sentence: "A newer change of the \(concept.words) includes this one."
        )
        try act.end(open, by: .supersede, reason, in: environment, transaction: transaction)
    }

    private func publish(_ id: Int64, in transaction: borrowing PostgresTransaction) throws {
        try ObjectProgress(worker: RequestDesk.worker).publish([id], outbox: act.outbox, in: transaction)
    }
}

extension ObjectContent {
    /// What a row holds.
    init(kept row: EnvironmentObject) {
        spec = row.spec
        confidential = row.confidential
    }

    /// What a change of an object builds on.
    init(base row: EnvironmentObject) {
        (spec, confidential) = row.base
    }
}

extension EnvironmentObject {
    /// Whether a change would change anything in the cluster; after a failure nobody knows, so it would.
    func differs(from content: ObjectContent) throws -> Bool {
        guard state != ObjectState.failed.rawValue, confidential == content.confidential else { return true }
        let decoder = JSONDecoder()
        let before = try decoder.decode(ObjectValue.self, from: Data(spec))
        let after = try decoder.decode(ObjectValue.self, from: Data(content.spec))
        // Byte by byte: texts that Unicode takes for the same are not the same to who reads them.
        return before.json != after.json
    }
}
