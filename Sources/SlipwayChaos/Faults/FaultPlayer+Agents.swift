import ClusterAgent
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
        default: return try killAgent(of: cluster, in: slot)
        }
    }

    /// Kills an agent when it has changed something and not noted so; its cluster goes on, or is lost.
    private func killAgent(of cluster: String, in slot: String) throws -> String {
        guard waitForEffect(in: cluster) else { throw NotPlayed("no command has changed anything in \(cluster)") }
        fleet.kill9(slot)
        let moment = ", in the midst of a command"
        let seconds = Double(random.number(500...4000)) / 1000
        if random.happens(percent: 25) {
            try world.loseCluster(cluster)
            wait(seconds)
            try world.startAgent(of: cluster)
            return "\(cluster)\(moment), which comes back empty"
        }
        let count = try playCluster(cluster, for: seconds)
        try world.startAgent(of: cluster)
        return "\(cluster)\(moment), where somebody deletes \(count) pods meanwhile"
    }

    /// Waits for a command that changes something; its agent notes a moment later that it is done.
    private func waitForEffect(in cluster: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: world.statePath(of: cluster)) else { return false }
        defer { try? file.close() }
        _ = try? file.seekToEnd()
        let limit = ContinuousClock.now + .seconds(6)
        while ContinuousClock.now < limit {
            let written = (try? file.readToEnd()) ?? Data()
            // The list of an entry's effects, where it is not empty.
            if written.range(of: Data(#""effects":[{"#.utf8)) != nil { return true }
            wait(0.002)
        }
        return false
    }

    /// Lets a cluster without an agent go on, and somebody delete pods in it; returns how many.
    private func playCluster(_ name: String, for seconds: Double) throws -> Int {
        var cluster = SimulatedCluster(
            name: name,
            seed: random.next(),
            timings: SimulatedTimings(speed: 4),
            file: try ClusterFile(world.statePath(of: name))
        )
        func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
        let count = cluster.deletePods(atMost: 2, now: now())
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            _ = cluster.poll(now: now())
            wait(0.02)
        }
        return count
    }
}
