import ClusterAgent
import Foundation
import JSON

@testable import Domain
@testable import WorkerRuntime

/// How much is played.
struct Scale {
    var requests = 300
    var projects = 4
    var lanes = 2
}

/// One run: a fleet, its clusters, those who ask, and what befalls them, under a clock that nobody waits for.
final class World {
    let seed: UInt64
    let scale: Scale
    let mutant: Mutant?
    let dice: Dice
    let database = Database()
    let broker = Broker()
    let environments: [String: EnvironmentRow]
    let clusters: [ClusterState]
    var policy = RetryPolicy()
    /// Microseconds since 1970.
    private(set) var now: Int64 = 1_795_420_800_000_000
    private(set) var load: Load
    private(set) var steps = 0
    var samples = Samples()
    /// What only somebody who sees both the fleet and the world can say to be wrong.
    var complaints: [String] = []

    private var agenda = Agenda()
    private var participants: [Int: any Participant] = [:]
    private var entries: [Int: (number: Int, time: Int64)] = [:]
    private var lastID = 0
    /// Who is interested in a topic.
    private var readers: [String: [Int]] = [:]
    private var relays: [Int] = []
    private var agents: [String: Int] = [:]

    init(seed: UInt64, scale: Scale = Scale(), mutant: Mutant? = nil) {
        (self.seed, self.scale, self.mutant) = (seed, scale, mutant)
        dice = Dice(seed: seed)
        var environments: [String: EnvironmentRow] = [:]
        for project in 0..<scale.projects {
            for (place, name) in ["staging", "production"].enumerated() {
                environments["p\(project)/\(name)"] = EnvironmentRow(
                    id: Int64(project * 2 + place + 1),
                    project: "p\(project)",
                    name: name,
                    cluster: place == 0 ? "east" : "west",
                    namespace: "p\(project)-\(name)",
                    state: .active,
                    revision: 1,
                    numbersBegin: 0
                )
            }
        }
        self.environments = environments
        let dice = dice
        clusters = ["east", "west"].map { name in
            let namespaces = environments.values.filter { $0.cluster == name }.map(\.namespace).sorted()
            return ClusterState(name, namespaces: namespaces, dice: dice)
        }
        policy.attempts = mutant == .noPatience ? 1 : 6
        policy.queuedMessages = 3
        load = Load(environments.keys.sorted(), requests: scale.requests, dice: dice)
        database.trouble = { Self.trouble(dice) }
        database.published = { [unowned self] in for relay in relays { wake(relay) } }
        broker.heard = { [unowned self] topic in for reader in readers[topic] ?? [] { wake(reader) } }
        for cluster in clusters { startAgent(of: cluster) }
        for _ in 0..<scale.lanes { startLanes() }
        for _ in 0..<2 { startRelay() }
        for _ in 0..<2 { enter(SimulatedTimekeeper(in: self)) }
    }

    private static func trouble(_ dice: Dice) -> Database.Trouble? {
        if dice.happens(.serialization) { return .serialization }
        if dice.happens(.connectionLost) { return .lost }
        return dice.happens(.answerLost) ? .answerLost : nil
    }

    // MARK: Who is there

    @discardableResult
    private func enter(_ participant: any Participant) -> Int {
        lastID += 1
        participants[lastID] = participant
        schedule(lastID, at: now + dice.pause)
        return lastID
    }

    private func startLanes() {
        startLane(Topics.requests, SimulatedDeploymentWorker(in: self))
        startLane(Topics.status, SimulatedAgentWorker(in: self))
        startLane(Topics.changes, SimulatedResourceWorker(in: self))
    }

    private func startLane(_ topic: String, _ handler: any SimulatedHandler) {
        readers[topic, default: []].append(lastID + 1)
        enter(SimulatedLane(topic, id: lastID + 1, handler, in: self, at: now))
    }

    private func startRelay() {
        relays.append(lastID + 1)
        enter(SimulatedRelay(id: lastID + 1, in: self))
    }

    /// Starts an agent's process; one that speaks for the cluster already learns that it is superseded.
    func startAgent(of cluster: ClusterState) {
        readers[Topics.commands(cluster.name), default: []].append(lastID + 1)
        agents[cluster.name] = enter(SimulatedAgent(cluster, id: lastID + 1, in: self))
    }

    /// Kills a process, and starts another one like it after a while.
    func kill(_ id: Int, whenBusy: Bool = false) {
        guard !whenBusy else { return waitingKills.formUnion([id]) }
        guard let victim = participants.removeValue(forKey: id) else { return }
        victim.die(at: now)
        lostFencedCount += (victim as? SimulatedLane)?.fencedCount ?? 0
        entries[id] = nil
        for (topic, ids) in readers { readers[topic] = ids.filter { $0 != id } }
        relays.removeAll { $0 == id }
        switch victim {
        case let lane as SimulatedLane: startLane(lane.topic, lane.handler)
        case is SimulatedRelay: startRelay()
        case is SimulatedAgent:
            guard let name = agents.first(where: { $0.value == id })?.key,
                let cluster = clusters.first(where: { $0.name == name })
            else { return }
            startAgent(of: cluster)
        default: enter(SimulatedTimekeeper(in: self))
        }
    }

    /// Holds a process for so long, as SIGSTOP does.
    func hold(_ id: Int, for time: Int64) {
        waitingHolds[id] = time
    }

    /// Kills or holds a process where it hurts most: with something in hand.
    private func strikeIfBusy(_ id: Int, _ participant: any Participant) {
        guard participant.isBusy else { return }
        if waitingKills.remove(id) != nil { return kill(id) }
        guard let time = waitingHolds[id] else { return }
        waitingHolds[id] = nil
        held[id] = now + time
        schedule(id, at: now + time)
    }

    /// Has the fetches of some lane hang for so long.
    func hangFetches(for time: Int64) {
        let lanes = participants.sorted { $0.key < $1.key }.compactMap { $0.value as? SimulatedLane }
        dice.one(of: lanes)?.hungUntil = now + time
    }

    private var waitingHolds: [Int: Int64] = [:]
    private var waitingKills: Set<Int> = []

    private var held: [Int: Int64] = [:]
    private var nextExpiry: Int64 = 0
    private var lostFencedCount = 0

    /// One of the processes; each kind as often as any other.
    func randomParticipant() -> Int? {
        var kinds: [String: [Int]] = [:]
        for (id, participant) in participants { kinds["\(type(of: participant))", default: []].append(id) }
        let kind = dice.one(of: kinds.keys.sorted()) ?? ""
        return dice.one(of: kinds[kind]?.sorted() ?? [])
    }

    /// How often the fence has refused a lane.
    var fencedCount: Int {
        participants.values.reduce(lostFencedCount) { $0 + (($1 as? SimulatedLane)?.fencedCount ?? 0) }
    }

    // MARK: Time

    private func schedule(_ id: Int, at time: Int64) {
        entries[id] = (agenda.enter(id, at: time), time)
    }

    private func wake(_ id: Int) {
        guard let entry = entries[id], held[id] ?? 0 <= now else { return }
        let time = now + dice.pause
        if entry.time > time { schedule(id, at: time) }
    }

    /// Plays until everything that was asked for is over, and faults have ended before.
    func run() {
        var faults = Faults(dice: dice, from: now)
        let limit = now + 24 * 3_600_000_000
        while now < limit, !(load.isOver && isQuiet) {
            let next = min(load.next, faults.next)
            guard let time = agenda.next, time <= next else {
                now = max(now, next)
                if load.next <= now { load.ask(broker, at: now) } else { faults.play(in: self) }
                if load.isOver { faults.end(in: self, load.endedAt) }
                continue
            }
            guard let entry = agenda.take(), entries[entry.who]?.number == entry.number else { continue }
            now = max(now, entry.time)
            held[entry.who] = nil
            expireMembers()
            guard let participant = participants[entry.who] else { continue }
            steps += 1
            schedule(entry.who, at: now + participant.act(at: now))
            strikeIfBusy(entry.who, participant)
            samples.take(self)
        }
        samples.take(self, isLast: true)
        compareWithClusters()
    }

    /// What the database says to be there is what the clusters have, and of each command that was done it was told.
    private func compareWithClusters() {
        for cluster in clusters {
            let stored = database.resources.rows.filter { $0.key.stream.cluster == cluster.name && !$0.value.isGone }
            let there = Dictionary(
                uniqueKeysWithValues: cluster.objects.values.map { ($0.id.namespace + "/" + $0.id.name, $0) }
            )
            let known = Dictionary(
                uniqueKeysWithValues: stored.map { ($0.key.stream.namespace + "/" + $0.key.name, $0.value) }
            )
            for name in Set(there.keys).union(known.keys).sorted() {
                guard there[name]?.uid != known[name]?.uid || there[name]?.generation != known[name]?.generation else {
                    continue
                }
                complaints.append("\(cluster.name) \(name) is not as the database says")
            }
        }
        // What a boot says that was superseded while it worked changes nothing.
        let parser = JSONParser()
        let told = Set(
            (broker.topics[Topics.status] ?? []).joined().compactMap(\.statement)
                .filter { $0.type == AgentStatusType.applied }
                .compactMap { try? parser.withDocument($0.data) { $0["command"]?.string } }
        )
        for cluster in clusters {
            for (subject, mark) in cluster.marks where !told.contains(mark.command) {
                complaints.append("\(subject) is as command \(mark.command) says, and nobody has told")
            }
        }
    }

    /// The groups' sessions end by the broker's clock.
    private func expireMembers() {
        guard now >= nextExpiry else { return }
        nextExpiry = now + 1_000_000
        for group in broker.groups.values { group.expire(at: now) }
    }

    /// Whether nothing is on its way: and it has been so since every agent has told everything once more.
    private var isQuiet: Bool {
        guard dice.isKind, database.open.rows.isEmpty, database.outbox.count == 0, database.parked.rows.isEmpty,
            database.marks.rows.isEmpty, now > load.endedAt + Load.rest
        else { return false }
        return broker.topics.allSatisfy { topic, partitions in
            guard [Topics.requests, Topics.status, Topics.changes].contains(topic) else { return true }
            return partitions.indices.allSatisfy {
                database.claims[ClaimName(topic: topic, partition: $0)]?.nextOffset == broker.end(topic, $0)
                    || partitions[$0].isEmpty
            }
        }
    }
}
