import ClusterAgent
import Foundation
import JSON

@testable import Domain
@testable import WorkerRuntime

/// What `agent-worker` decides about what agents say of themselves and their commands.
final class SimulatedAgentWorker: SimulatedHandler {
    private let database: Database
    private let environments: [String: EnvironmentRow]
    private let progress: Progress
    private let mutant: Mutant?
    private let parser = JSONParser()

    init(in world: World) {
        database = world.database
        environments = world.environments
        mutant = world.mutant
        progress = Progress(worker: "agent-worker", database: world.database, mutant: world.mutant)
    }

    func handle(_ batch: SimulatedBatch) throws {
        for entry in batch.entries {
            guard let message = entry.message.statement else { continue }
            entry.outcome = try follow(message, entry.message, batch)
        }
    }

    private func follow(_ said: AgentMessage, _ message: Message, _ batch: SimulatedBatch) throws -> Outcome {
        var cluster = database.clusters[message.key] ?? ClusterEntry()
        if said.type == AgentStatusType.hello { return try greet(said, &cluster, message, batch) }
        switch cluster.agent.number(epoch: said.epoch, sequence: said.sequence) {
        case .repeated:
            return .repeated
        case .superseded:
            if said.type == AgentStatusType.heartbeat, let boot = try text("boot", of: said),
                database.boots[boot]?.isSuperseded == true
            {
                stop(boot, cluster: message.key, batch)
            }
            return .stale
        case .ahead:
            batch.publish(
                .told(.helloRequested, id: "hello \(said.id)", cluster: message.key, key: message.key)
            )
            return .stale
        case .current:
            cluster.agent.sequence = said.sequence
            note(&cluster, message)
            if said.type == AgentStatusType.heartbeat {
                cluster.account.take(isComplete: try isComplete(said), at: message.time, now: batch.now)
            }
            database.clusters[message.key] = cluster
            return try take(said, batch)
        }
    }

    private func note(_ cluster: inout ClusterEntry, _ message: Message) {
        cluster.lastSeen = max(cluster.lastSeen ?? 0, message.time)
        cluster.partition = message.partition
        cluster.agent.noteWord(at: message.time)
    }

    // MARK: Boots

    private func greet(
        _ said: AgentMessage,
        _ cluster: inout ClusterEntry,
        _ message: Message,
        _ batch: SimulatedBatch
    ) throws -> Outcome {
        guard let boot = try text("boot", of: said), let uid = try text("clusterUID", of: said) else {
            return .deadLettered(Reason(code: "invalid_field", sentence: "A hello has a boot."))
        }
        let isSuperseded = database.boots[boot]?.isSuperseded ?? false
        switch cluster.agent.hello(boot: boot, clusterUID: uid, isSuperseded: isSuperseded) {
        case .refuse(let why, let isConflict):
            if isConflict { cluster.agent.noteRefusal(at: message.time) }
            database.clusters[message.key] = cluster
            stop(boot, cluster: message.key, batch)
            return .rejected(Reason(code: "hello_refused", sentence: why))
        case .welcome(let agent, let isNewBoot):
            if isNewBoot, let former = cluster.agent.boot {
                database.boots[former]?.isSuperseded = true
                stop(former, cluster: message.key, batch)
            }
            cluster.agent = agent
            note(&cluster, message)
            cluster.account.begin(at: message.time)
            if isNewBoot { database.boots[boot] = BootRow(cluster: message.key) }
            database.clusters[message.key] = cluster
            welcome(boot, agent.epoch, said.id, cluster: message.key, batch)
            return .applied
        }
    }

    private func stop(_ boot: String, cluster: String, _ batch: SimulatedBatch) {
        let content = AgentCommand.Content.superseded(Superseded(boot: boot, reason: "Another one has taken over."))
        batch.publish(.told(content, id: "superseded \(boot) \(batch.now)", cluster: cluster, key: cluster))
    }

    /// Answers a hello, and sends the open commands again.
    private func welcome(_ boot: String, _ epoch: Int64, _ hello: String, cluster: String, _ batch: SimulatedBatch) {
        let open = database.open.rows.filter { $0.value == cluster }.keys
            .compactMap { database.commands[$0] }.sorted {
                ($0.createdAt, $0.generation, $0.id.uuidString) < ($1.createdAt, $1.generation, $1.id.uuidString)
            }
        let welcomed = Welcomed(
            boot: boot,
            epoch: epoch,
            namespaces: environments.values.filter { $0.cluster == cluster }.map(\.namespace).sorted(),
            open: open.map { $0.id.uuidString.lowercased() },
            snapshotSeconds: 120,
            heartbeatSeconds: 5
        )
        batch.publish(.told(.welcomed(welcomed), id: "welcome \(hello)", cluster: cluster, key: cluster))
        for command in open {
            guard let environment = environments[command.key] else { continue }
            batch.publish(.work(command, namespace: environment.namespace, again: batch.now))
        }
    }

    // MARK: Commands

    private func take(_ said: AgentMessage, _ batch: SimulatedBatch) throws -> Outcome {
        guard let id = try text("command", of: said).flatMap(UUID.init(uuidString:)),
            var command = database.commands[id],
            try number("generation", of: said) == command.generation
        else { return .applied }
        switch said.type {
        case AgentStatusType.acknowledged:
            progress.take(.acknowledge, &command, batch)
        case AgentStatusType.applied where mutant == .wordsForgotten && said.sequence % 5 == 0:
            break
        case AgentStatusType.applied:
            try applied(said, &command, batch)
        case AgentStatusType.failed:
            let reason = Reason(code: try text("code", of: said) ?? "", sentence: try text("message", of: said) ?? "")
            if command.state.isTerminal { endWait(behind: command, at: batch.now) }
            progress.take(.fail, &command, reason: reason, batch)
        default:
            break
        }
        return .applied
    }

    private func applied(_ said: AgentMessage, _ command: inout Command, _ batch: SimulatedBatch) throws {
        let wasOpen = !command.state.isTerminal
        if wasOpen {
            let objects = try objects(of: said)
            database.applied[command.id] = objects
            command.objects = Array((objects.isEmpty ? "[]" : "[{}]").utf8)
        }
        let moved = progress.take(.apply, &command, batch)
        guard wasOpen else {
            endWait(behind: command, at: batch.now)
            return progress.appliedLate(command, batch)
        }
        if !moved { database.commands[command.id] = command }
        let name = InstanceName(environment: command.key, name: command.subjectName)
        progress.refreshWindows(of: name, cluster: command.cluster ?? "", at: batch.now)
    }

    /// The agent has ended a command that was over already: the one behind it has its turn.
    private func endWait(behind command: Command, at now: Int64) {
        let name = InstanceName(environment: command.key, name: command.subjectName)
        guard let id = database.instances[name]?.openCommand, id != command.id, var next = database.commands[id],
            next.state == .accepted || next.state == .sent
        else { return }
        next.stepDeadline = min(next.stepDeadline ?? .max, now + Int64(next.timers.acknowledge) * 1_000_000)
        database.commands[id] = next
    }

    // MARK: Reading

    private func isComplete(_ said: AgentMessage) throws -> Bool {
        mutant == .firstWordsBelieved ? true : try parser.withDocument(said.data) { $0["complete"]?.bool } ?? true
    }

    private func text(_ name: StaticString, of said: AgentMessage) throws -> String? {
        try parser.withDocument(said.data) { $0[named: "\(name)"]?.string }
    }

    private func number(_ name: StaticString, of said: AgentMessage) throws -> Int64? {
        try parser.withDocument(said.data) { $0[named: "\(name)"]?.int }
    }

    private func objects(of said: AgentMessage) throws -> [AppliedObject] {
        try parser.withDocument(said.data) { root in
            var objects: [AppliedObject] = []
            root["objects"]?.forEachElement { object in
                objects.append(
                    AppliedObject(
                        apiVersion: "apps/v1",
                        kind: object["kind"]?.string ?? "",
                        namespace: object["namespace"]?.string ?? "",
                        name: object["name"]?.string ?? "",
                        uid: object["uid"]?.string ?? "",
                        generation: object["generation"]?.int ?? 0,
                        resourceVersion: nil
                    )
                )
            }
            return objects
        }
    }
}
