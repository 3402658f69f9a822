import Foundation
public import Postgres
public import Sealing
public import WorkerRuntime

/// Decides deployment requests: what `deployment-worker` does with `deployment.requests`.
///
/// Each request ends in an accepted command, or in a rejection that says why. A repeat is answered with the newest
/// result of its command, unchanged.
public final class DeploymentRequestHandler: Handler {
    private let decoder: RequestDecoder
    private let desk: RequestDesk
    private let permissions: Permissions
    /// What a recovery has this lane consume once more; looked up in its first transaction.
    private var again: ConsumedAgain?

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - timers: How long the steps of accepted commands may take.
    ///   - callers: Tells who sent a request.
    ///   - sealing: Opens what senders sealed; `nil` where this fleet takes nothing confidential.
    ///   - keyRing: Encrypts at rest what was opened.
    ///   - topics: Tells which topics there are.
    public init(
        fleetKey: FleetKey,
        timers: CommandTimers,
        callers: any CallerSource,
        permissions: Permissions,
        sealing: SealingKeys? = nil,
        keyRing: KeyRing? = nil,
        topics: any TopicDirectory = EveryTopic()
    ) {
        decoder = RequestDecoder(requestKey: fleetKey.requestKey, callers: callers)
        desk = RequestDesk(fleetKey: fleetKey, timers: timers, sealing: sealing, keyRing: keyRing, topics: topics)
        self.permissions = permissions
    }

    /// Reads a request; what can be answered is answered later, the rest is dead-lettered.
    public func decode(_ message: KafkaMessageView) throws(Refusal) -> RequestInput {
        try decoder.decode(message)
    }

    /// A request is known by its caller, source and id; a caller that is not verified touches no row.
    public func inboxKey(of input: RequestInput) -> InboxKey? {
        guard input.caller.isVerified else { return nil }
        if case .success(let body) = input.body, body.isDryRun { return nil }
        return InboxKey(
            caller: input.caller.name,
            source: input.identity.source,
            id: input.identity.id,
            digest: input.digest
        )
    }

    /// Who proves nothing is refused at once: whoever can write to the topic could fill the queues of others.
    public func waitsBehindOthers(_ input: RequestInput) -> Bool {
        input.caller.isVerified || input.unavailable != nil
    }

    /// Who was verified to have sent it, which a token cannot tell once it is gone.
    public func keptHeaders(of input: RequestInput) -> [(String, String)] { input.kept }

    /// What should have been sealed and is not, is left out.
    public func keepable(_ message: KafkaMessageView) -> KafkaMessageView { ClearText.removed(from: message) }

    /// Looks once what may be consumed once more; see ``Handler/prepare(_:in:)``.
    public func prepare(_ entries: [Entry<RequestInput>], in transaction: borrowing PostgresTransaction) throws {
        if again == nil { again = try ConsumedAgain(in: transaction) }
    }

    /// Locks what the batch is about in one order, then decides each request in its turn.
    public func handle(_ batch: Batch<RequestInput>, in transaction: borrowing PostgresTransaction) throws {
        let strangers = try strangers(in: batch, transaction)
        for (place, entry) in batch.entries.enumerated() where strangers[place] == nil {
            // Thrown as the fault of one message, which then waits with its key.
            if let reason = entry.input.unavailable { throw reason }
        }
        if again == nil { again = try ConsumedAgain(in: transaction) }
        try RequestLocks(batch).take(in: transaction)
        var former = try FormerRequests(of: newIDs(batch), in: transaction)
        var audit: [AuditEntry] = []
        for (place, entry) in batch.entries.enumerated() {
            entry.outcome = try outcome(of: entry, batch, refused: strangers[place], &former, in: transaction)
            if let line = auditLine(of: entry) { audit.append(line) }
        }
        // What was done at once has its end in the log already, which comes behind.
        try AuditLog.write(audit, at: batch.now, in: transaction)
    }

    /// The ids of the requests that the inbox knows nothing of.
    private func newIDs(_ batch: Batch<RequestInput>) -> [UUID] {
        batch.entries.compactMap { entry in
            guard case .first = entry.admission, case .success = entry.input.body else { return nil }
            return inboxKey(of: entry.input)?.requestID
        }
    }

    /// A request that is not decided ends in a rejection, too; of what may have succeeded before, the partition waits for
    /// room instead.
    public func setAside(
        _ entry: Entry<RequestInput>,
        because why: SetAside,
        outbox: OutboxBuffer,
        now: Int64
    ) -> Bool {
        if why == .queueFull, again?.mayHold(entry.message) == true { return false }
        return desk.setAside(entry, because: why, outbox: outbox, now: now)
    }

    /// The audit log tells of requests that nobody decided, too, and so does the rule that made one.
    public func noteSetAside(
        _ entries: [Entry<RequestInput>],
        because why: SetAside,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let lines = entries.map { entry in
            AuditEntry(
                entry.input,
                command: nil,
                outcome: why == .queueFull ? "rejected" : "dead_lettered",
                reason: RequestDesk.reason(why, entry)
            )
        }
        try AuditLog.write(lines, in: transaction)
        for entry in entries where isOfRule(entry) {
            let reason = RequestDesk.reason(why, entry)
            try AutoDeployStore.noteRejected(desk.commandID(entry.input), reason, in: transaction)
        }
    }

    private func isOfRule(_ entry: Entry<RequestInput>) -> Bool {
        entry.input.identity.source == AutoDeployStore.source && entry.input.caller.isVerified
    }

    /// What the audit log says of a request that was decided; a repeat was decided before.
    private func auditLine(of entry: Entry<RequestInput>) -> AuditEntry? {
        let input = entry.input
        switch entry.outcome {
        case .applied:
            let isPlan = (try? input.body.get())?.isDryRun == true
            return AuditEntry(
                input,
                command: isPlan ? nil : desk.commandID(input),
                outcome: isPlan ? "planned" : "accepted",
                reason: nil
            )
        case .rejected(let reason):
            return AuditEntry(input, command: nil, outcome: "rejected", reason: reason)
        default:
            return nil
        }
    }

    /// Refuses who would hold up the key of a place where he may ask for nothing; the reasons by the number in the batch.
    ///
    /// What is written in a newer version waits, and everything of its key behind it: that is for those alone who may
    /// ask there.
    private func strangers(
        in batch: Batch<RequestInput>,
        _ transaction: borrowing PostgresTransaction
    ) throws -> [Int: Reason] {
        var refused: [Int: Reason] = [:]
        for (index, entry) in batch.entries.enumerated() {
            let input = entry.input
            guard input.unavailable != nil, input.caller.isVerified else { continue }
            let place = RequestPlace(of: input.identity)
            do {
                try permissions.require(
                    place.leastAccess,
                    of: input.caller,
                    for: input.identity.type,
                    at: place,
                    in: transaction
                )
            } catch let reason as Reason {
                refused[index] = reason
            }
        }
        return refused
    }

    /// Decides one request.
    ///
    /// - Parameter refused: Why it is refused, whatever it asks for.
    private func outcome(
        of entry: Entry<RequestInput>,
        _ batch: Batch<RequestInput>,
        refused: Reason?,
        _ former: inout FormerRequests,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        let input = entry.input
        switch entry.admission {
        case .repeated(let answer):
            try desk.answerAgain(input, stored: answer, batch, in: transaction)
            return .repeated
        case .idReused:
            return try refuse(entry, batch, .idReused, in: transaction)
        case .tooOld:
            return try refuse(entry, batch, .tooOld, in: transaction)
        case .first:
            break
        }
        if let refused { return try refuse(entry, batch, refused, in: transaction) }
        switch input.body {
        case .failure(let reason):
            return try refuse(entry, batch, reason, in: transaction)
        case .success(let body):
            do {
                return try perform(body, entry, batch, &former, in: transaction)
            } catch let reason as Reason {
                // Thrown as the fault of one message, too.
                if !body.isDryRun, again?.waits(entry, for: reason, now: batch.now) == true { throw reason }
                return try refuse(entry, batch, reason, in: transaction)
            }
        }
    }

    /// Rejects; the rule that asked, where one did, keeps why.
    private func refuse(
        _ entry: Entry<RequestInput>,
        _ batch: Batch<RequestInput>,
        _ reason: Reason,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        if isOfRule(entry) {
            try AutoDeployStore.noteRejected(desk.commandID(entry.input), reason, in: transaction)
        }
        return desk.reject(entry, batch, reason)
    }

    /// Permission first: who has none learns nothing, not even whether a thing exists.
    private func perform(
        _ body: some RequestOperation,
        _ entry: Entry<RequestInput>,
        _ batch: Batch<RequestInput>,
        _ former: inout FormerRequests,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        let input = entry.input
        let operation = type(of: body).name
        try permissions.require(
            type(of: body).access,
            of: input.caller,
            for: operation,
            at: body.place,
            in: transaction
        )
        if let id = inboxKey(of: input)?.requestID, try former.has(id, input.identity, in: transaction) {
            try desk.answerAgain(input, stored: nil, batch, in: transaction)
            return .repeated
        }
        let act = RequestAct(desk: desk, input: input, batch: batch, operation: operation, entry: entry)
        try body.perform(act, in: transaction)
        return .applied
    }
}
