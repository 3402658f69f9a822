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
    case terminatedTwice = "terminated-twice"
    case scaleUpAndDown = "scale-up-and-down"
    case scaleOutAndIn = "scale-out-and-in"
    case rollingRestart = "rolling-restart"
    case databaseRestart = "database-restart"
    case backendsTerminated = "backends-terminated"
    case connectionsUsedUp = "connections-used-up"
    case databaseCut = "database-cut"
    case databaseUnreachable = "database-unreachable"
    case databaseSlow = "database-slow"
    case databaseStalled = "database-stalled"
    case lockedRow = "locked-row"
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

    /// The faults that every run plays first: those that make the rare situations, without which a run proves too little, and
    /// the one that can be played only once.
    static let needed: [Fault] = [
        .zombieBeforeTransaction, .zombieInTransaction, .refusedRows, .killAfterPublishing, .agentKilled,
        .partitionsAdded,
    ]

    /// The others in three shares that take about equally long: a run plays one of them next, so that three runs with seeds
    /// that follow each other play everything.
    static let shares: [[Fault]] = {
        var shares = [[Fault]](repeating: [], count: 3)
        let others = allCases.filter { !needed.contains($0) }
        // The longest first, each to the share that is shortest until then.
        for fault in others.enumerated().sorted(by: { ($1.element.slot, $0.offset) < ($0.element.slot, $1.offset) }) {
            let lengths = shares.map { $0.map(\.slot).reduce(0, +) }
            let shortest = lengths.indices.min { lengths[$0] < lengths[$1] } ?? 0
            shares[shortest].append(fault.element)
        }
        return shares
    }()

    /// About how many seconds it takes, with the time to recover.
    var slot: Double {
        switch self {
        case .zombieInTransaction, .zombieBeforeTransaction: 35
        case .pauseWorker, .agentAway, .agentKilled, .wrongClock, .scaleOutAndIn: 18
        case .twoAgents: 20
        case .rollingRestart: 35
        case .killRepeatedly, .refusedRows, .pauseRelay, .lockedRow: 14
        case .requestsRepeated, .poisonBurst, .leadersMoved, .databaseCut: 7
        default: 10
        }
    }
}

/// A fault for which there was no occasion.
struct NotPlayed: Error {
    let why: String

    init(_ why: String) {
        self.why = why
    }
}
