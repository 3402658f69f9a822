import Domain
import Foundation

/// A broker that fails, is slow, and moves what it keeps.
extension FaultPlayer {
    func playBroker(_ fault: Fault) throws -> String {
        switch fault {
        case .brokerErrors: return brokerErrors()
        case .brokerDown:
            let number = random.number(1...Int(ChaosWorld.brokers))
            order("down \(number)")
            wait(3)
            order("up \(number)")
            return "\(number) of \(ChaosWorld.brokers) for 3 s"
        case .brokerSlow:
            for number in 1...ChaosWorld.brokers { order("delay \(number) 300") }
            wait(5)
            for number in 1...ChaosWorld.brokers { order("delay \(number) 0") }
            return "0.3 s more for 5 s"
        case .brokerPaused:
            fleet.signal(SIGSTOP, "broker")
            wait(3)
            fleet.signal(SIGCONT, "broker")
            return "for 3 s"
        case .leadersMoved: return moveLeaders()
        default: return moveCoordinators()
        }
    }

    private func order(_ line: String) { fleet.order("broker", line) }

    private static let errors: [(request: String, codes: [String])] = [
        ("produce", ["NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS", "_TRANSPORT"]),
        ("fetch", ["NOT_LEADER_FOR_PARTITION", "_TRANSPORT"]),
        ("metadata", ["LEADER_NOT_AVAILABLE", "_TRANSPORT"]),
        ("offsetCommit", ["NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "REBALANCE_IN_PROGRESS", "_TRANSPORT"]),
        ("heartbeat", ["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "NOT_COORDINATOR"]),
        ("joinGroup", ["COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "_TRANSPORT"]),
        ("syncGroup", ["REBALANCE_IN_PROGRESS", "NOT_COORDINATOR"]),
        ("findCoordinator", ["COORDINATOR_NOT_AVAILABLE", "_TRANSPORT"]),
        ("endTransaction", ["NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "_TRANSPORT"]),
        ("addPartitionsToTransaction", ["COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR"]),
    ]

    /// Errors of five kinds, some of each, over four seconds; what is left then is forgotten.
    private func brokerErrors() -> String {
        let chosen = Self.errors.shuffled(using: &random).prefix(5)
        var told: [String] = []
        for (request, codes) in chosen {
            let code = random.pick(codes)
            order("errors \(request) \(code) \(random.number(1...5))")
            told.append("\(request) \(code)")
            wait(0.8)
        }
        for (request, _) in chosen { order("clear \(request)") }
        return told.joined(separator: ", ")
    }

    private func moveLeaders() -> String {
        let topics = Topics.complete(clusters: ChaosWorld.clusters).map(\.name).shuffled(using: &random).prefix(6)
        var count = 0
        for topic in topics {
            let partitions = topic.hasSuffix(".dlt") || topic.hasPrefix("agent.commands.") ? 1 : ChaosWorld.partitions
            for partition in 0..<partitions {
                order("leader \(ChaosWorld.prefix)\(topic) \(partition) \(random.number(1...Int(ChaosWorld.brokers)))")
                count += 1
            }
        }
        return "\(count) partitions"
    }

    private func moveCoordinators() -> String {
        let groups = ["deployment-worker", "agent-worker", "resource-worker", "release-worker"]
        for group in groups {
            order("coordinator \(ChaosWorld.prefix)\(group) \(random.number(1...Int(ChaosWorld.brokers)))")
        }
        return "of \(groups.count) groups"
    }
}
