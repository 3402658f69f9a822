import Foundation

@testable import ClusterAgent
@testable import Domain
@testable import WorkerRuntime

/// Moves commands: the row, the ledger and the result together, and what the end means for the instance.
///
/// The decisions are the domain's; the order of writing is that of `CommandProgress` and `InstanceProgress`.
struct Progress {
    let worker: String
    let database: Database
    let mutant: Mutant?

    /// Accepts a new command and sends it to its agent.
    func accept(_ command: Command, sending message: Message, _ batch: SimulatedBatch) {
        var command = command
        command.revision = 1
        command.stepDeadline = min(batch.now + Int64(command.timers.acknowledge) * 1_000_000, command.deadline)
        var steps = [LedgerStep(revision: 1, state: .accepted, isLate: false, reason: nil)]
        if let step = command.take(.send, now: batch.now) { steps.append(step) }
        batch.publish(message)
        database.open[command.id] = command.cluster ?? ""
        write(command, steps, batch)
    }

    /// Lets an event happen to a command; returns whether it moved.
    @discardableResult
    func take(
        _ event: CommandEvent,
        _ command: inout Command,
        reason: Reason? = nil,
        _ batch: SimulatedBatch
    ) -> Bool {
        if mutant == .endIsLeft, command.state.isTerminal { command.state = .sent }
        guard let step = command.take(event, reason: reason, now: batch.now) else { return false }
        guard !step.isLate else {
            database.commands[command.id] = command
            database.steps.append(StepRow(command: command.id, step: step))
            return false
        }
        write(command, [step], batch)
        guard command.state.isTerminal else { return true }
        database.open[command.id] = nil
        end(command, batch)
        return true
    }

    private func write(_ command: Command, _ steps: [LedgerStep], _ batch: SimulatedBatch) {
        database.commands[command.id] = command
        for step in steps {
            database.steps.append(StepRow(command: command.id, step: step))
            let record = CommandResult.record(of: command, step, worker: worker, now: batch.now)
            database.answers[command.id] = record
            batch.publish(record)
        }
    }

    /// Frees the instance for the next command; one that is superseded leaves it to what takes its place.
    private func end(_ command: Command, _ batch: SimulatedBatch) {
        let name = InstanceName(environment: command.key, name: command.subjectName)
        guard var entry = database.instances[name], entry.openCommand == command.id else { return }
        if command.isLeftApplied { note(command, in: &entry) }
        let next = entry.state.next(goal: command.goal, ended: command.state, before: entry.settledState)
        entry.openCommand = nil
        entry.state = next
        if next != .operating { entry.settledState = nil }
        if next == .deleted {
            (entry.runningGeneration, entry.settled) = (nil, nil)
        } else if command.state == .succeeded {
            (entry.runningGeneration, entry.settled) = (command.generation, entry.desired)
        }
        entry.revision += 1
        database.instances[name] = entry
        if command.state != .superseded { publish(name, entry, batch) }
    }

    /// Notes what an instance runs though its command has ended otherwise.
    func appliedLate(_ command: Command, _ batch: SimulatedBatch) {
        guard command.objects == nil || command.isRemoval else { return }
        let name = InstanceName(environment: command.key, name: command.subjectName)
        guard var entry = database.instances[name] else { return }
        guard note(command, in: &entry) else { return }
        database.instances[name] = entry
        publish(name, entry, batch)
    }

    /// Notes what the cluster has of a command that ended otherwise; returns whether that is news.
    @discardableResult
    private func note(_ command: Command, in entry: inout InstanceEntry) -> Bool {
        guard entry.runningGeneration ?? 0 < command.generation, entry.state != .deleted else { return false }
        entry.runningGeneration = command.generation
        entry.settled = command.isRemoval ? nil : try? DesiredState(json: command.desired)
        let aim = InstanceState(aim: command.goal)
        if entry.openCommand != nil {
            entry.settledState = command.isRemoval ? nil : aim
        } else if entry.generation == command.generation {
            entry.state = aim
        }
        entry.revision += 1
        return true
    }

    /// Publishes an instance as it stands now.
    func publish(_ name: InstanceName, _ entry: InstanceEntry, _ batch: SimulatedBatch) {
        batch.publish(Self.status(of: name, entry, at: batch.now))
    }

    static func status(of name: InstanceName, _ entry: InstanceEntry, at now: Int64) -> OutboxRecord {
        let key = "\(name.environment)/\(name.name)"
        let id = "\(key)@\(entry.revision)"
        guard entry.state != .deleted else {
            return OutboxRecord(
                tombstone: "instance.status",
                key: key,
                id: id,
                source: "/slipway",
                revision: entry.revision,
                time: now
            )
        }
        let data = #"{"state":"\#(entry.state.rawValue)","generation":\#(entry.generation)}"#
        let event = OutgoingEvent(
            id: id,
            type: "slipway.instance.status.v1",
            source: "/slipway",
            subject: key,
            time: now,
            data: Array(data.utf8),
            extensions: [("revision", String(entry.revision))]
        )
        return OutboxRecord(topic: "instance.status", key: key, event: event, coalesces: true)
    }

    /// Looks at a command that was applied: since when its objects have been healthy, or failing.
    func refreshWindows(of name: InstanceName, cluster: String, at now: Int64) {
        guard let id = database.instances[name]?.openCommand, var command = database.commands[id],
            command.state == .applied, let applied = database.applied[id]
        else { return }
        let resource = ResourceID(
            stream: StreamID(cluster: cluster, namespace: name.environment.replacing("/", with: "-")),
            kind: "Deployment",
            name: name.name
        )
        let stored = database.resources[resource].flatMap { $0.isGone ? nil : $0 }
        let observed = stored.map { state in
            ObservedObject(
                kind: resource.kind,
                name: resource.name,
                uid: state.uid,
                observedGeneration: state.observedGeneration,
                health: state.assessment.health,
                healthReason: state.assessment.reason
            )
        }
        // Its Deployments tell of no pods: no rollout advances, and a stop waits for the Deployment alone.
        let windows = CommandObservation.windows(
            goal: command.goal,
            applied: applied,
            stored: observed.map { [$0] } ?? [],
            sign: nil,
            left: command.isRemoval && stored != nil ? 1 : 0,
            before: command.windows,
            now: now
        )
        guard windows != command.windows else { return }
        command.windows = windows
        database.commands[id] = command
    }
}
