import Foundation
public import Postgres
public import WorkerRuntime

/// Decides deployment requests: what `deployment-worker` does with `deployment.requests`.
///
/// Each request ends in an accepted command, or in a rejection that says why. A repeat is answered with the newest
/// result of its command, unchanged.
public final class DeploymentRequestHandler: Handler {
    private let decoder: RequestDecoder
    private let desk: RequestDesk
    private let instances: InstanceRequests

    /// Makes a handler.
    ///
    /// - Parameter timers: How long the steps of accepted commands may take.
    public init(fleetKey: FleetKey, timers: CommandTimers) {
        decoder = RequestDecoder(requestKey: fleetKey.requestKey)
        desk = RequestDesk(fleetKey: fleetKey, timers: timers)
        instances = InstanceRequests(desk: desk)
    }

    /// Reads a request; what can be answered is answered later, the rest is dead-lettered.
    public func decode(_ message: KafkaMessageView) throws(Refusal) -> RequestInput {
        try decoder.decode(message)
    }

    /// A request is known by its caller, source and id.
    public func inboxKey(of input: RequestInput) -> InboxKey? {
        // A forged source touches no row of the one that it pretends to be.
        if case .failure(let reason) = input.body, reason.code == "forged_source" { return nil }
        return InboxKey(
            caller: input.caller.name,
            source: input.identity.source,
            id: input.identity.id,
            digest: input.digest
        )
    }

    /// Locks what the batch is about in one order, then decides each request in its turn.
    public func handle(_ batch: Batch<RequestInput>, in transaction: borrowing PostgresTransaction) throws {
        try RequestLocks(batch).take(in: transaction)
        for entry in batch.entries {
            entry.outcome = try outcome(of: entry, batch, in: transaction)
        }
    }

    /// A request that is not decided ends in a rejection, too.
    public func setAside(
        _ entry: Entry<RequestInput>,
        because why: SetAside,
        outbox: OutboxBuffer,
        now: Int64
    ) -> Bool {
        desk.setAside(entry, because: why, outbox: outbox, now: now)
    }

    private func outcome(
        of entry: Entry<RequestInput>,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        let input = entry.input
        switch entry.admission {
        case .repeated(let answer):
            try desk.answerAgain(input, stored: answer, batch, in: transaction)
            return .repeated
        case .idReused:
            return desk.reject(
                entry,
                batch,
                Reason(
                    code: "id_reused",
                    sentence: "Another request had the same source and id; each request needs an id of its own.",
                    field: "ce_id"
                )
            )
        case .tooOld:
            return desk.reject(
                entry,
                batch,
                Reason(
                    code: "too_old",
                    sentence:
                        "The request is older than Slipway remembers requests, so it may have been done; send it anew."
                )
            )
        case .first:
            break
        }
        switch input.body {
        case .failure(let reason):
            return desk.reject(entry, batch, reason)
        case .success(let body):
            do {
                try perform(body, input, batch, in: transaction)
                return .applied
            } catch let reason as Reason {
                return desk.reject(entry, batch, reason)
            }
        }
    }

    private func perform(
        _ body: RequestBody,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        switch body {
        case .createProject(let body): try desk.createProject(body, input, batch, in: transaction)
        case .registerCluster(let body): try desk.registerCluster(body, input, batch, in: transaction)
        case .createApplication(let body): try desk.createApplication(body, input, batch, in: transaction)
        case .createEnvironment(let body): try desk.createEnvironment(body, input, batch, in: transaction)
        case .createAutoDeploy(let body): try desk.createAutoDeploy(body, input, batch, in: transaction)
        case .deployInstance(let body):
            try instances.deploy(
                environment: (body.project, body.environment),
                instance: body.instance,
                application: body.application,
                version: body.version,
                values: body.values ?? "",
                timeout: body.timeoutSeconds,
                input,
                batch,
                in: transaction
            )
        case .upgradeInstance(let body):
            try instances.deploy(
                environment: (body.project, body.environment),
                instance: body.instance,
                application: nil,
                version: body.version,
                values: body.values,
                timeout: body.timeoutSeconds,
                input,
                batch,
                in: transaction
            )
        }
    }
}
