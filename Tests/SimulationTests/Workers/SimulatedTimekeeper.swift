import ClusterAgent
import Foundation

@testable import Domain
@testable import WorkerRuntime

/// Lets time pass, as `timekeeper` does.
final class SimulatedTimekeeper: Participant {
    private let database: Database
    private let environments: [String: EnvironmentRow]
    private let progress: Progress
    private let mutant: Mutant?
    private static let period: Int64 = 1_000_000
    private static let lease: Int64 = 30_000_000

    private unowned let world: World

    init(in world: World) {
        self.world = world
        database = world.database
        environments = world.environments
        mutant = world.mutant
        progress = Progress(worker: "timekeeper", database: world.database, mutant: world.mutant)
    }

    var isBusy: Bool { true }

    func die(at now: Int64) {}

    func act(at now: Int64) -> Int64 {
        guard mutant != .deadlinesForgotten else { return Self.period }
        do {
            for id in candidates(at: now) { try end(id, at: now) }
            try missLostAgents(at: now)
            try publishAgain(at: now)
        } catch {
            // It looks again with the next round.
        }
        return Self.period
    }

    private func candidates(at now: Int64) -> [UUID] {
        database.open.rows.keys.filter { id in
            guard let command = database.commands[id] else { return false }
            let hasWindow = command.windows.healthySince != nil || command.windows.failingSince != nil
            return hasWindow || now >= min(command.deadline, command.stepDeadline ?? command.deadline)
        }.sorted { $0.uuidString < $1.uuidString }
    }

    private func end(_ id: UUID, at now: Int64) throws {
        try database.transaction(at: now) {
            guard var command = database.commands[id],
                let (event, reason) = DueCommand.decide(command, view: view(of: command, at: now), now: now)
            else { return }
            let batch = SimulatedBatch([], now: now)
            // What has ended has no deadline any more.
            let deadline = min(command.deadline, command.stepDeadline ?? command.deadline)
            progress.take(event, &command, reason: reason, batch)
            if event == .timeOut, reason?.code != "slipway_behind" { complainIfUnread(command, before: deadline) }
            if event == .timeOut, let environment = environments[command.key] {
                batch.publish(.withdrawal(of: command, namespace: environment.namespace))
            }
            for message in batch.outbox { database.outbox.append(message) }
        }
    }

    private func view(of command: Command, at now: Int64) -> AgentView {
        guard let cluster = command.cluster.flatMap({ database.clusters[$0] }), cluster.agent.boot != nil else {
            return AgentView(MissingEvidence(agent: .neverSeen), consumedUntil: now)
        }
        let isSilent = cluster.lastSeen.map { now - $0 > Self.lease } ?? true
        return AgentView(
            MissingEvidence(agent: isSilent ? .lost : .connected),
            consumedUntil: handled(command.cluster, at: now)
        )
    }

    private func handled(_ cluster: String?, at now: Int64) -> Int64? {
        if mutant == .ownDelayIgnored { return now }
        guard let cluster, let partition = database.clusters[cluster]?.partition else { return nil }
        return database.handledUntil(Topics.status, partition, key: cluster)
    }

    /// No command may time out while a word of its agent about it lies unread that came before the deadline.
    private func complainIfUnread(_ command: Command, before deadline: Int64) {
        guard let cluster = command.cluster, let partition = database.clusters[cluster]?.partition,
            let epoch = database.clusters[cluster]?.agent.epoch
        else { return }
        let read = database.claims[ClaimName(topic: Topics.status, partition: partition)]?.nextOffset ?? 0
        let id = command.id.uuidString.lowercased()
        let unread = world.broker.read(Topics.status, partition, from: read, limit: .max).first { message in
            guard let said = message.statement, message.key == cluster, message.time < deadline, said.epoch == epoch
            else { return false }
            return String(decoding: said.data, as: UTF8.self).contains(id)
        }
        if let unread { world.complaints.append("\(id) timed out with offset \(unread.offset) unread") }
    }

    private func missLostAgents(at now: Int64) throws {
        let silent = database.clusters.rows.filter { $0.value.lastSeen ?? now < now - Self.lease }
        guard !silent.isEmpty else { return }
        try database.transaction(at: now) {
            for (name, cluster) in silent.sorted(by: { $0.key < $1.key }) {
                guard let seen = cluster.lastSeen, seen + Self.lease < now,
                    handled(name, at: now) ?? 0 > seen + Self.lease
                else { continue }
                var cluster = cluster
                cluster.agent.state = cluster.agent.state.after(.silent)
                database.clusters[name] = cluster
            }
        }
    }

    /// Publishes the newest state of keys that a relay has marked.
    private func publishAgain(at now: Int64) throws {
        guard !database.marks.rows.isEmpty else { return }
        try database.transaction(at: now) {
            let batch = SimulatedBatch([], now: now)
            for key in database.marks.rows.keys.sorted(by: { "\($0)" < "\($1)" }) {
                database.marks[key] = nil
                if let record = newest(key, at: now) { batch.publish(record) }
            }
            for message in batch.outbox { database.outbox.append(message) }
        }
    }

    private func newest(_ key: OutboxKey, at now: Int64) -> OutboxRecord? {
        let name = String(decoding: key.key, as: UTF8.self)
        if key.topic == "instance.status" {
            let parts = name.split(separator: "/").map(String.init)
            let instance = InstanceName(environment: parts.dropLast().joined(separator: "/"), name: parts.last ?? "")
            return database.instances[instance].map { Progress.status(of: instance, $0, at: now) }
        }
        return database.resources.rows.first { $0.key.key == name }
            .map { ResourceStatus.record(of: $0.key, $0.value, at: now) }
    }
}
