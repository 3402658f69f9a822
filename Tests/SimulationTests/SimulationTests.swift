import FleetCheck
import Testing

/// The fleet's decisions under a clock that nobody waits for: retries, parking, fences, deadlines, agents that come and go.
struct SimulationTests {
    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `nothing is lost, done twice or stuck in any order of events`(seed: UInt64) {
        let run = PlayedRun(seed: seed, requests: 300)
        #expect(run.complaints.isEmpty)
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
