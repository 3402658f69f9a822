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
            return hasWindow || now >= command.presentDeadline
        }.sorted { $0.uuidString < $1.uuidString }
    }

    private func end(_ id: UUID, at now: Int64) throws {
        try database.transaction(at: now) {
            guard var command = database.commands[id],
                let (event, reason) = DueCommand.decide(command, view: view(of: command, at: now), now: now)
            else { return }
            let batch = SimulatedBatch([], now: now)
            // What has ended has no deadlines and windows any more.
            let before = command
            progress.take(event, &command, reason: reason, batch)
            if reason?.code != "slipway_behind" { complainIfUnread(before, ending: event) }
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
        let told = handled(command.cluster, at: now)
        let shown = objectsRead(command, at: now)
        let consumed = command.state == .applied ? min(told ?? 0, shown ?? 0) : told
        return AgentView(
            MissingEvidence(agent: isSilent ? .lost : .connected),
            consumedUntil: consumed,
            shownUntil: shown,
            account: mutant == .ownDelayIgnored ? AgentAccount(completeSince: .min, heardAt: now) : cluster.account
        )
    }

    private func handled(_ cluster: String?, at now: Int64) -> Int64? {
        if mutant == .ownDelayIgnored { return now }
        guard let cluster, let partition = database.clusters[cluster]?.partition else { return nil }
        return database.handledUntil(Topics.status, partition, key: cluster)
    }

    /// Up to when was read what is told of the objects beside a command.
    private func objectsRead(_ command: Command, at now: Int64) -> Int64? {
        if mutant == .ownDelayIgnored { return now }
        guard let key = stream(of: command) else { return nil }
        return database.handledUntil(Topics.changes, Broker.partition(of: key, in: Topics.changes), key: key)
    }

    /// The key of what is told of the objects beside a command.
    private func stream(of command: Command) -> String? {
        guard let cluster = command.cluster, let environment = environments[command.key] else { return nil }
        return "\(cluster)/\(environment.namespace)"
    }

    /// No command may end while a word about it lies unread that came in time: of its agent, or of its objects.
    private func complainIfUnread(_ command: Command, ending event: CommandEvent) {
        let timers = command.timers
        let (since, seconds): (Int64?, Int) =
            switch event {
            case .settle: (command.windows.healthySince, timers.settle)
            case .fail: (command.windows.failingSince, timers.failure)
            default: (command.presentDeadline, 0)
            }
        guard seconds > 0 || event == .timeOut else { return }
        let time = (since ?? 0) + Int64(seconds) * 1_000_000
        if event == .timeOut, let cluster = command.cluster {
            complain(of: command, Topics.status, key: cluster, before: time) { data in
                String(decoding: data, as: UTF8.self).contains(command.id.uuidString.lowercased())
            }
        }
        guard command.state == .applied, let key = stream(of: command) else { return }
        if event != .timeOut { complainIfOfAnotherBoot(command, key: key) }
        complain(of: command, Topics.changes, key: key, before: time) { _ in true }
    }

    /// What an earlier boot told shows nothing of what happened until the present one came.
    private func complainIfOfAnotherBoot(_ command: Command, key: String) {
        guard let stream = StreamID(key: key), let boot = database.clusters[stream.cluster]?.agent.epoch,
            let told = database.streams[stream]?.position.epoch, told != boot
        else { return }
        world.complaints.append("\(command.id) was judged by what boot \(told) told, of boot \(boot)")
    }

    private func complain(
        of command: Command,
        _ topic: String,
        key: String,
        before time: Int64,
        where isAboutIt: ([UInt8]) -> Bool
    ) {
        guard let epoch = command.cluster.flatMap({ database.clusters[$0]?.agent.epoch }) else { return }
        let partition = Broker.partition(of: key, in: topic)
        let read = database.claims[ClaimName(topic: topic, partition: partition)]?.nextOffset ?? 0
        let unread = world.broker.read(topic, partition, from: read, limit: .max).first { message in
            guard let said = message.statement, message.key == key, message.time < time, said.epoch == epoch
            else { return false }
            return isAboutIt(said.data)
        }
        guard let unread else { return }
        world.complaints.append("\(command.id) ended with offset \(unread.offset) of \(topic) unread")
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
