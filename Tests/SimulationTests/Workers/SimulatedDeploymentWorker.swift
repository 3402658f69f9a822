import ClusterAgent
import Foundation

@testable import Domain
@testable import WorkerRuntime

/// What `deployment-worker` decides about requests on instances.
final class SimulatedDeploymentWorker: SimulatedHandler {
    private let database: Database
    private let environments: [String: EnvironmentRow]
    private let progress: Progress
    private var desiredStates: [String: (state: DesiredState, json: [UInt8])] = [:]

    init(in world: World) {
        database = world.database
        environments = world.environments
        progress = Progress(worker: "deployment-worker", database: world.database, mutant: world.mutant)
    }

    func refusal(of message: Message) -> Reason? {
        guard let request = message.request, case .unreadable? = request.fault else { return nil }
        return Reason(code: "invalid_json", sentence: "The value is no JSON.")
    }

    func inboxKey(of message: Message) -> InboxKey? { message.request?.inboxKey }

    func handle(_ batch: SimulatedBatch) throws {
        for entry in batch.entries {
            guard let request = entry.message.request else { continue }
            entry.outcome = try outcome(of: entry, request, batch)
        }
    }

    func setAside(_ message: Message, because reason: Reason, now: Int64) -> OutboxRecord? {
        message.request.map { CommandResult.rejection(of: $0.identity, reason, now: now) }
    }

    private func outcome(of entry: SimulatedEntry, _ request: Request, _ batch: SimulatedBatch) throws -> Outcome {
        switch entry.admission {
        case .repeated:
            let id = request.inboxKey.requestID
            if let answer = database.answers[id] ?? database.inbox[id]?.answer { batch.publish(answer) }
            return .repeated
        case .idReused:
            return reject(entry, request, .idReused, batch)
        case .tooOld, .first:
            try fail(request, sent: entry.message.time, at: batch.now)
            do throws(Reason) {
                try perform(request, batch)
                return .applied
            } catch {
                return reject(entry, request, error, batch)
            }
        }
    }

    /// What the database refuses for a while ends the transaction.
    private func fail(_ request: Request, sent: Int64, at now: Int64) throws {
        guard case .failing(let seconds)? = request.fault, now < sent + seconds * 1_000_000 else { return }
        throw Reason(code: "not_now", sentence: "It cannot be told now who sent it.")
    }

    private func reject(
        _ entry: SimulatedEntry,
        _ request: Request,
        _ reason: Reason,
        _ batch: SimulatedBatch
    ) -> Outcome {
        let answer = CommandResult.rejection(of: request.identity, reason, now: batch.now)
        entry.answer = answer
        batch.publish(answer)
        return .rejected(reason)
    }

    /// The steps of `InstanceChanger`.
    private func perform(_ request: Request, _ batch: SimulatedBatch) throws(Reason) {
        guard let environment = environments[request.environment] else {
            throw .unknown("environment", request.environment)
        }
        let name = InstanceName(environment: request.environment, name: request.instance)
        var entry = database.instances[name] ?? InstanceEntry(id: Int64(database.instances.rows.count + 1))
        let row = row(of: entry)
        try InstanceRules.admit(request.operation, of: request.instance, in: environment, row)
        var command = command(request, environment, batch.now)
        command.generation = entry.generation + 1
        command.instanceID = entry.id
        let desired = try desired(request, base: row?.state == .deleted ? nil : row?.base)
        if let desired { command.desired = desired.json }
        if var open = row?.open {
            if let until = open.busyUntil(now: batch.now) { command.wait(until: until) }
            supersede(&open, by: request.operation, environment, batch)
            entry = database.instances[name] ?? entry
        }
        entry.settledState =
            switch entry.state {
            case .operating: entry.settledState
            case .deleted: nil
            default: entry.generation == 0 ? nil : entry.state
            }
        (entry.generation, entry.state, entry.openCommand) = (command.generation, .operating, command.id)
        entry.desired = desired?.state ?? entry.desired
        entry.revision += 1
        database.instances[name] = entry
        progress.accept(command, sending: .work(command, namespace: environment.namespace), batch)
        progress.publish(name, entry, batch)
    }

    private func row(of entry: InstanceEntry) -> InstanceRow? {
        guard entry.generation > 0 else { return nil }
        return InstanceRow(
            id: entry.id,
            application: "app",
            generation: entry.generation,
            state: entry.state,
            runningGeneration: entry.runningGeneration,
            desired: entry.desired,
            settled: entry.settled,
            open: entry.openCommand.flatMap { database.commands[$0] }
        )
    }

    private func command(_ request: Request, _ environment: EnvironmentRow, _ now: Int64) -> Command {
        let operation = "instance.\(request.operation.rawValue)"
        let timers = CommandTimers().limited(to: operation)
        return Command(
            id: request.inboxKey.requestID,
            operation: operation,
            environmentID: environment.id,
            cluster: environment.cluster,
            key: request.environment,
            subjectKind: "instance",
            subjectName: request.instance,
            project: environment.project,
            environment: environment.name,
            caller: "somebody",
            requestSource: Request.source,
            requestID: request.id,
            requestType: request.type,
            createdAt: now,
            deadline: now + Int64(timers.total) * 1_000_000,
            timers: timers
        )
    }

    private func supersede(
        _ open: inout Command,
        by operation: InstanceOperation,
        _ environment: EnvironmentRow,
        _ batch: SimulatedBatch
    ) {
        let present = InstanceOperation(command: open.operation) ?? .deploy
        progress.take(.supersede, &open, reason: InstanceCollapse.reason(open: present, new: operation), batch)
        batch.publish(.withdrawal(of: open, namespace: environment.namespace))
    }

    /// What the instance should be afterwards; none where it is to be gone.
    private func desired(_ request: Request, base: DesiredState?) throws(Reason) -> (
        state: DesiredState, json: [UInt8]
    )? {
        guard request.operation != .delete else { return nil }
        let isDeployment = request.operation.isDeployment
        let version = isDeployment ? request.version : base?.version ?? request.version
        let isStopped =
            switch request.operation {
            case .stop: true
            case .start, .deploy: false
            default: base?.isStopped ?? false
            }
        let name = "\(version) \(isStopped)"
        if let known = desiredStates[name] { return known }
        var state = try DesiredState(application: "app", version: version, release: KnownRelease(), values: "")
        state.isStopped = isStopped
        guard let json = try? state.json else { throw .unknown("version", version) }
        desiredStates[name] = (state, json)
        return (state, json)
    }
}
