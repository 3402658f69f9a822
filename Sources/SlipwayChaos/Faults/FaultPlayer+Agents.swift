import Foundation

/// Agents that go, come back, and are not alone.
extension FaultPlayer {
    func playAgent(_ fault: Fault) throws -> String {
        let cluster = random.pick(ChaosWorld.clusters)
        let slot = "agent-\(cluster)"
        switch fault {
        case .agentAway:
            // Longer than the fleet's patience with it.
            fleet.signal(SIGSTOP, slot)
            wait(13)
            fleet.signal(SIGCONT, slot)
            return "\(cluster) for 13 s"
        case .twoAgents:
            // One of them is told to stop; agents then end with exit code 3.
            let second = "second-agent-\(cluster)"
            try world.startAgent(of: cluster, slot: second)
            for agent in [slot, second] { fleet.allowEnd(of: agent, with: 3) }
            wait(12)
            let isFirstAlive = fleet.pid(of: slot) != nil
            fleet.kill9(second)
            fleet.kill9(slot)
            try world.startAgent(of: cluster)
            return "\(cluster) for 12 s; the first one \(isFirstAlive ? "went on" : "was told to stop")"
        default:
            // Its cluster is gone with it: the next one begins empty.
            fleet.kill9(slot)
            wait(Double(random.number(500...4000)) / 1000)
            try world.startAgent(of: cluster)
            return "\(cluster), which comes back empty"
        }
    }
}
