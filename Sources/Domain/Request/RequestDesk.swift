import Foundation
import Postgres
import Sealing
import WorkerRuntime

/// Answers requests and makes their commands.
struct RequestDesk {
    static let worker = "deployment-worker"
    let fleetKey: FleetKey
    let timers: CommandTimers
    /// Opens what senders sealed; `nil` where this fleet takes nothing confidential.
    var sealing: SealingKeys?
    /// Encrypts at rest what was opened.
    var keyRing: KeyRing?
    /// Which topics there are: a cluster without its own cannot be used yet.
    var topics: any TopicDirectory = EveryTopic()
    let progress = CommandProgress(worker: RequestDesk.worker)

    /// Publishes a rejection and keeps it for repeats.
    func reject(_ entry: Entry<RequestInput>, _ batch: Batch<RequestInput>, _ reason: Reason) -> Outcome {
        batch.outbox.append(CommandResult.rejection(of: entry.input.identity, reason, now: batch.now))
        // The first one that had this id stays: a reused id must not replace its answer.
        if entry.admission == .first { entry.answer = Answer(reason: reason, time: batch.now).encoded }
        return .rejected(reason)
    }

    /// Answers a repeat with the newest result of its command, or with the same rejection.
    func answerAgain(
        _ input: RequestInput,
        stored: [UInt8]?,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        if let stored, let answer = Answer(stored) {
            batch.outbox.append(answer.record(of: input.identity))
            return
        }
        let id = commandID(input)
        guard let command = try progress.store.lock([id], in: transaction)[id] else { return }
        let last = try transaction.query(
            """
            select revision, state, reason_code, reason, at, worker from command_step
            where command = $1 and not late order by revision desc limit 1
            """,
            [.uuid(id)]
        ).first
        guard let last, let state = CommandState(rawValue: try last.string(1)) else {
            // Its steps are older than the ledger; where it stands stays.
            let (revision, reason) = (command.revision, command.reason)
            let end = LedgerStep(revision: revision, state: command.state, isLate: false, reason: reason)
            batch.outbox.append(CommandResult.record(of: command, end, worker: Self.worker, now: batch.now))
            return
        }
        let reason = try last.optionalString(2).map { code in
            Reason(code: code, sentence: try last.optionalString(3) ?? "")
        }
        let step = LedgerStep(revision: try last.int64(0), state: state, isLate: false, reason: reason)
        batch.outbox.append(
            CommandResult.record(of: command, step, worker: try last.string(5), now: try last.timestamp(4))
        )
    }

    /// A command's id is its request's.
    func commandID(_ input: RequestInput) -> UUID {
        InboxKey(
            caller: input.caller.name,
            source: input.identity.source,
            id: input.identity.id,
            digest: input.digest
        ).requestID
    }

    /// A new command of a request.
    func command(_ operation: String, _ input: RequestInput, now: Int64, timeout: Int? = nil) -> Command {
        var timers = timers.limited(to: operation)
        if let timeout { timers.allow(timeout, for: operation) }
        let place = RequestPlace(of: input.identity)
        return Command(
            id: commandID(input),
            operation: operation,
            key: input.identity.key,
            subjectKind: input.identity.subjectKind,
            subjectName: input.identity.subjectName,
            project: place.project,
            environment: place.environment,
            caller: input.caller.recorded,
            requestSource: input.identity.source,
            requestID: input.identity.id,
            requestType: input.identity.type,
            createdAt: now,
            deadline: now + Int64(timers.total) * 1_000_000,
            timers: timers,
            trace: input.identity.trace
        )
    }
}

/// A rejection, or a plan, as the inbox keeps it, with its time, so that a repeat of it is the same message.
struct Answer: Codable {
    private(set) var reason: Reason?
    private(set) var plan: InstancePlan?
    let time: Int64

    init(reason: Reason, time: Int64) {
        self.reason = reason
        self.time = time
    }

    init(plan: InstancePlan, time: Int64) {
        self.plan = plan
        self.time = time
    }

    /// The message once more.
    func record(of request: RequestIdentity) -> OutboxRecord {
        if let plan { return CommandResult.planned(of: request, plan, now: time) }
        let reason = reason ?? Reason(code: "internal_error", sentence: "The answer of the first request was lost.")
        return CommandResult.rejection(of: request, reason, now: time)
    }

    var encoded: [UInt8]? { (try? JSONEncoder().encode(self)).map(Array.init) }
}

extension Answer {
    init?(_ bytes: [UInt8]) {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else { return nil }
        self = answer
    }
}
