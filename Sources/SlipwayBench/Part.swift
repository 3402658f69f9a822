import ArgumentParser

/// What can be measured alone.
enum Part: String, CaseIterable, ExpressibleByArgument {
    /// Decoding and encoding, in one thread.
    case decode
    /// Tokens, sealing, encryption at rest.
    case security
    /// What the machine gives at most: PostgreSQL and Kafka without Slipway.
    case limit
    /// The hot path by lanes.
    case throughput
    /// The same job in Python.
    case peers
    /// The hot path by workers.
    case workers
    /// The hot path by size of batches, size of messages, and how often an object is touched again.
    case shapes
    /// Deployment requests, from the topic to result and agent message, by lanes.
    case requests
    /// A cluster's agent says all that it sees, and says it again.
    case snapshot
    /// An hour's messages that nobody took, while more come.
    case backlog
    /// From produced to readable, at steady rates.
    case latency
    /// How the cost of a message grows with what is stored.
    case growth
    /// The hot path for minutes, with a producer beside it.
    case sustained
    /// How fast the hot path is again after faults.
    case recovery
    /// What the fleet costs while it has nothing to do.
    case idle
    /// What a cluster's agent costs, with objects that rest and with objects that change.
    case agent

    /// What is left out of a quick run.
    var isLong: Bool { [.shapes, .growth, .sustained, .recovery, .workers, .idle, .agent].contains(self) }

    /// What a round of it measures, each on a world of its own.
    func measures(quick: Bool, messages: Int?) -> [Measure] {
        let count = messages ?? (quick ? 30_000 : 150_000)
        switch self {
        case .decode: return [Measure { try DecodeBench.run(count: quick ? 200_000 : 1_000_000) }]
        case .security: return [Measure { try SecurityBench.run(count: quick ? 1_000 : 20_000) }]
        case .limit:
            return (quick ? [2] : [1, 2, 4]).map { connections in
                Measure { try CeilingBench.run(count: count, connections: connections) }
            } + [Measure { try CopyLimitBench.run(count: count) }, Measure { try KafkaLimitBench.run(count: count) }]
        case .throughput: return (quick ? [1, 2] : [1, 2, 4]).map { ThroughputBench.measure(count, .lanes($0)) }
        case .peers: return PeerBench.Peer.allCases.map { peer in Measure { try PeerBench.run(peer, count: count) } }
        case .workers:
            return ([1, 2].map(ThroughputShape.workers) + [1, 2].map(ThroughputShape.waitingWorkers))
                .map { ThroughputBench.measure(count, $0) }
        case .shapes: return ThroughputShape.shapes.map { ThroughputBench.measure(count, $0) }
        case .requests: return Self.requests(quick: quick)
        case .snapshot: return [Measure { try SnapshotBench.run(objects: 10_000) }]
        case .backlog: return [Measure { try LagBench.run(minutes: quick ? 5 : 60) }]
        case .latency:
            return (quick ? [500] : [100, 500, 2000]).map { rate in
                Measure { try LatencyBench.run(rate: rate, seconds: quick ? 8 : 30) }
            } + (quick ? [] : [Measure { try LatencyBench.run(rate: 500, seconds: 30, inTransactions: false) }])
        case .growth: return ThroughputShape.growth.map { ThroughputBench.measure(count, $0) }
        case .sustained: return [Measure(once: true) { try SustainedBench.run(seconds: 300) }]
        case .recovery: return [Measure { try RecoveryBench.run() }]
        case .idle: return [Measure { try IdleBench.run(seconds: quick ? 5 : 20) }]
        case .agent:
            let resync = Measure { try AgentBench.resync(10_000) }
            return [Measure { try AgentBench.run(seconds: quick ? 5 : 20) }] + (quick ? [] : [resync])
        }
    }

    private static func requests(quick: Bool) -> [Measure] {
        guard !quick else { return [Measure { try RequestBench.run(count: 1_000) }] }
        return [1, 2, 4].map { lanes in Measure { try RequestBench.run(count: 10_000, lanes: lanes) } }
            + [Measure { try RequestBench.run(count: 10_000, beside: 100_000) }]
    }
}

/// Something to measure in each round, or in the first only.
struct Measure {
    /// What takes so long that its spread is told by its own parts.
    let isOnce: Bool
    let run: () throws -> [Sample]

    init(once: Bool = false, _ run: @escaping () throws -> [Sample]) {
        isOnce = once
        self.run = run
    }
}
