import FleetCheck
import Foundation
import Testing

/// The fleet's decisions under a clock that nobody waits for: retries, parking, fences, deadlines, agents that come and go.
///
/// `SLIPWAY_SIMULATION_RUNS`, `SLIPWAY_SIMULATION_REQUESTS` and `SLIPWAY_SIMULATION_SEED` say how much is played.
struct SimulationTests {
    private static func setting(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment["SLIPWAY_SIMULATION_" + name].flatMap { Int($0) }
    }
    private static let first = UInt64(setting("SEED") ?? 1)
    private static let seeds = first..<first + UInt64(setting("RUNS") ?? 16)
    private static let requests = setting("REQUESTS") ?? 300

    @Test(arguments: seeds)
    func `nothing is lost, done twice or stuck in any order of events`(seed: UInt64) {
        let world = World(seed: seed, scale: Scale(requests: Self.requests))
        world.run()
        let verdict = Verdict(History(world))
        #expect(verdict.violations.isEmpty, "seed \(seed): \(verdict.violations.prefix(5))")
        #expect(world.complaints.isEmpty, "seed \(seed): \(world.complaints.prefix(5))")
        #expect(world.load.isOver)
        if Self.setting("RUNS") != nil {
            let messages = world.broker.topics.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
            let commands = world.database.commands.rows.count
            print("seed \(seed): \(commands) commands, \(messages) messages, \(world.steps) steps")
        }
    }

    @Test func `a seed plays the same run again`() {
        let runs = (1...2).map { _ in
            let world = World(seed: 5, scale: Scale(requests: 100))
            world.run()
            return History(world).messages
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0].count > 500)
    }

    @Test func `what happens seldom does happen`() {
        var seen: [Situation: Int] = [:]
        for seed in 101...112 as ClosedRange<UInt64> {
            let world = World(seed: seed)
            world.run()
            seen.merge(Verdict(History(world)).seen, uniquingKeysWith: +)
        }
        // That a partition moves while a transaction is under way is no step of its own here: transactions have no middle.
        let missing = Situation.allCases.filter { seen[$0, default: 0] == 0 && $0 != .rebalanceInTransaction }
        #expect(missing == [])
    }
}
