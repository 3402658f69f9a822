/// What can befall the fleet.
enum Fault: String, Sendable, CaseIterable {
    case zombieBeforeTransaction = "zombie-before-transaction"
    case zombieInTransaction = "zombie-in-transaction"
    case refusedRows = "refused-rows"
    case killAfterPublishing = "kill-after-publishing"
    case agentKilled = "agent-killed"
    case partitionsAdded = "partitions-added"

    case killReleaseWorker = "kill-release-worker"
    case killDeploymentWorker = "kill-deployment-worker"
    case killAgentWorker = "kill-agent-worker"
    case killResourceWorker = "kill-resource-worker"
    case killRelay = "kill-outbox-relay"
    case killTimekeeper = "kill-timekeeper"
    case killAfterPoll = "kill-after-poll"
    case killInTransaction = "kill-in-transaction"
    case killAfterCommit = "kill-after-commit"
    case killRepeatedly = "kill-repeatedly"
    case pauseWorker = "pause-worker"
    case pauseRelay = "pause-relay"
    case stopAndStart = "stop-and-start"
    case scaleUpAndDown = "scale-up-and-down"
    case rollingRestart = "rolling-restart"
    case databaseRestart = "database-restart"
    case backendsTerminated = "backends-terminated"
    case connectionsUsedUp = "connections-used-up"
    case databaseCut = "database-cut"
    case databaseUnreachable = "database-unreachable"
    case databaseSlow = "database-slow"
    case databaseStalled = "database-stalled"
    case commitAnswersDropped = "commit-answers-dropped"
    case diskFull = "disk-full"
    case brokerErrors = "broker-errors"
    case brokerDown = "broker-down"
    case brokerSlow = "broker-slow"
    case brokerPaused = "broker-paused"
    case leadersMoved = "leaders-moved"
    case coordinatorsMoved = "coordinators-moved"
    case requestsRepeated = "requests-repeated"
    case poisonBurst = "poison-burst"
    case agentAway = "agent-away"
    case twoAgents = "two-agents"
    case wrongClock = "wrong-clock"

    /// The faults that every run plays: those that make the rare situations, without which a run proves too little, and the
    /// one that can be played only once.
    static let needed: [Fault] = [
        .zombieBeforeTransaction, .zombieInTransaction, .refusedRows, .killAfterPublishing, .agentKilled,
        .partitionsAdded,
    ]

    /// About how many seconds it takes, with the time to recover.
    var slot: Double {
        switch self {
        case .zombieInTransaction, .zombieBeforeTransaction: 35
        case .pauseWorker, .agentAway, .agentKilled: 18
        case .twoAgents: 20
        case .rollingRestart: 35
        case .killRepeatedly, .refusedRows, .pauseRelay, .wrongClock: 14
        case .requestsRepeated, .poisonBurst, .leadersMoved, .databaseCut: 7
        default: 10
        }
    }
}

/// When which fault is played: the same seed gives the same schedule.
struct Schedule: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// Seconds since the faults began.
        let at: Double
        let fault: Fault
        /// What the fault's own choices vary by.
        let seed: UInt64
    }

    let entries: [Entry]

    /// Where each fault first comes that makes a rare situation.
    var needed: [Entry] {
        Fault.needed.compactMap { fault in entries.first { $0.fault == fault } }
    }

    /// Every fault comes once before any comes twice, in a random order, and the needed ones first.
    init(seed: UInt64, minutes: Double, faults: [Fault] = Fault.allCases) {
        var random = SeededRandom(seed: seed ^ 0xFA17)
        var entries: [Entry] = []
        var at = 0.0
        var bag: [Fault] = []
        var isFirst = true
        let needed = Fault.needed.filter(faults.contains)
        while !faults.isEmpty {
            if bag.isEmpty {
                let first = isFirst ? needed : []
                bag = first.shuffled(using: &random) + faults.filter { !first.contains($0) }.shuffled(using: &random)
                isFirst = false
            }
            let fault = bag.removeFirst()
            let pause = Double(random.number(0...2000)) / 1000
            guard at + pause + fault.slot <= minutes * 60 else { break }
            entries.append(Entry(at: at + pause, fault: fault, seed: random.next()))
            at += pause + fault.slot
        }
        self.entries = entries
    }
}

/// A fault for which there was no occasion.
struct NotPlayed: Error {
    let why: String

    init(_ why: String) {
        self.why = why
    }
}
