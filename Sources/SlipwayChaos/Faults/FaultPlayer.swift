import FleetCheck
import Foundation
import Postgres

/// Plays faults one after the other and notes how soon requests are answered as before.
final class FaultPlayer {
    let world: ChaosWorld
    let load: LoadThread
    private(set) var played: [PlayedFault] = []
    /// What was to be played and could not, and why.
    private(set) var notPlayed: [(fault: Fault, why: String)] = []
    /// What was to be played and was not, however often it was tried: the run does not count then.
    private(set) var missing: [Fault] = []
    private(set) var sightings: [Situation: Int] = [:]
    /// How many seconds after the end of each fault that was played the probes were answered again.
    private(set) var answers: [[Probe: Double]] = []
    private var unrecovered: (since: ContinuousClock.Instant, probes: [Probe])?
    var random = SeededRandom(seed: 0)

    init(world: ChaosWorld, load: LoadThread) {
        (self.world, self.load) = (world, load)
    }

    var fleet: FleetProcesses { world.fleet }

    /// Plays the schedule from now on, and then what it was to show and did not.
    func play(_ schedule: Schedule) throws {
        let began = ContinuousClock.now
        for entry in schedule.entries {
            try idle(until: began + .seconds(entry.at))
            try play(entry)
        }
        try idle(until: .now + .seconds(5))
        try playMissing(of: schedule)
        missing = schedule.firsts.map(\.fault).filter { fault in !played.contains { $0.name == fault.rawValue } }
        for fault in played { try world.record.write(RecordLine(fault: fault)) }
    }

    private func play(_ entry: Schedule.Entry) throws {
        random = SeededRandom(seed: entry.seed)
        let begin = world.log.elapsed
        let target: String
        do {
            target = try play(entry.fault)
        } catch let error as NotPlayed {
            notPlayed.append((entry.fault, error.why))
            return world.log.line("\(entry.fault.rawValue)  not played: \(error.why)")
        }
        let end = world.log.elapsed
        played.append(PlayedFault(name: entry.fault.rawValue, target: target, begin: begin, end: end))
        answers.append([:])
        unrecovered = (.now, Probe.allCases)
        world.log.line("\(entry.fault.rawValue)  \(target)  (\(String(format: "%.1f s", end - begin)))")
    }

    /// Plays again what could not be played, and what makes a rare situation that has not come up: there was no occasion, or
    /// the machine was too slow for it.
    private func playMissing(of schedule: Schedule) throws {
        for entry in schedule.firsts {
            for attempt in 1...UInt64(3) {
                if try hasShown(entry.fault) { break }
                world.log.line("\(entry.fault.rawValue) has not shown what it is for: once more")
                try play(Schedule.Entry(at: entry.at, fault: entry.fault, seed: entry.seed &+ attempt))
                try idle(until: .now + .seconds(8))
            }
        }
    }

    /// Whether a fault was played and made its situation, as far as it can be told before the checker judges.
    private func hasShown(_ fault: Fault) throws -> Bool {
        switch fault {
        case .zombieInTransaction: sightings[.rebalanceInTransaction] != nil
        case .zombieBeforeTransaction: allFencings() > 0
        case .refusedRows: try hasReleased()
        // All states that it held may have been followed by newer ones meanwhile, which only the checker can tell.
        case .killAfterPublishing: played.count { $0.name == fault.rawValue } > 2
        default: played.contains { $0.name == fault.rawValue }
        }
    }

    /// Waits, and watches meanwhile.
    func idle(until end: ContinuousClock.Instant) throws {
        while ContinuousClock.now < end {
            try tick()
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    func wait(_ seconds: Double) { Thread.sleep(forTimeInterval: seconds) }

    func saw(_ situation: Situation, _ count: Int = 1) {
        sightings[situation, default: 0] += count
    }

    private func tick() throws {
        try fleet.watch()
        if let failure = load.failure { throw ChaosFailure(failure) }
        guard let (since, probes) = unrecovered else { return }
        for probe in probes where load.isAnswering(probe, since: since) {
            let took = (ContinuousClock.now - since).inSeconds
            if probe == .request { played[played.count - 1].recovery = took }
            answers[answers.count - 1][probe] = took
            unrecovered?.probes.removeAll { $0 == probe }
            world.log.line("  \(probe.rawValue) answered \(String(format: "%.1f s", took)) later")
        }
    }

    private func play(_ fault: Fault) throws -> String {
        switch fault {
        case .killReleaseWorker: try kill(aOf: "release-worker")
        case .killDeploymentWorker: try kill(aOf: "deployment-worker")
        case .killAgentWorker: try kill(aOf: "agent-worker")
        case .killResourceWorker: try kill(aOf: "resource-worker")
        case .killRelay: try kill(aOf: "outbox-relay")
        case .killTimekeeper: try kill(aOf: "timekeeper")
        case .killAfterPoll: try kill(at: "afterPoll")
        case .killInTransaction: try kill(at: "inTransaction")
        case .killAfterCommit: try kill(at: "afterCommit")
        case .killAfterPublishing: try killAfterPublishing()
        case .killRepeatedly: try killRepeatedly()
        case .zombieBeforeTransaction: try zombie(at: "afterPoll")
        case .zombieInTransaction: try zombie(at: "inTransaction")
        case .pauseWorker:
            try pause(aOf: random.pick(FleetProcesses.workers.filter { $0 != "outbox-relay" }), seconds: 10)
        case .pauseRelay: try pause(aOf: "outbox-relay", seconds: 5)
        case .stopAndStart: try stopAndStart()
        case .terminatedTwice: try terminateTwice()
        case .scaleUpAndDown: try scaleUpAndDown()
        case .scaleOutAndIn: try scaleOutAndIn()
        case .rollingRestart: try rollingRestart()
        case .wrongClock: try wrongClock()
        case .partitionsAdded: try addPartitions()
        case .agentKilled, .agentAway, .twoAgents: try playAgent(fault)
        case .requestsRepeated, .poisonBurst: playMessages(fault)
        case .brokerErrors, .brokerDown, .brokerSlow, .brokerPaused, .leadersMoved, .coordinatorsMoved:
            try playBroker(fault)
        default: try playDatabase(fault)
        }
    }

    private func playMessages(_ fault: Fault) -> String {
        guard fault == .poisonBurst else {
            load.sendRepetitions(40)
            return "40 requests once more"
        }
        load.sendBurst(2 * Poison.kinds)
        return "\(2 * Poison.kinds) messages of \(Poison.kinds) kinds"
    }
}
