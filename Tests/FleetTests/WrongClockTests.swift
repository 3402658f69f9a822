import Foundation
import TestSupport
import Testing

/// An agent whose machine's clock is wrong and is set right while it runs: deadlines are the database's, and the agent's
/// own paces do not follow the wall clock.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct WrongClockTests {
    private let fleet = EndToEndTests()

    @Test(arguments: [1200, -1200])
    func `an agent works and is heard with a clock that is wrong by minutes and is set right meanwhile`(
        offset: Int
    ) throws {
        let (world, agent) = try fleet.makeFleet(agent: ["--clock-ahead=\(offset)", "--clock-right-after=12"])
        try fleet.release("1.0.0", world)
        try fleet.waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try fleet.deploy(world)
        try fleet.waitFor("the instance", world, "select count(*) from instance where state = 'running'", 1)
        _ = try eventually("the clock is set right") {
            agent.output.contains("the wall clock was set by \(-offset) s") ? true : nil
        }
        // Nothing is asked of it any more: only its heartbeats tell that it is there.
        for _ in 1...2 {
            let last = try world.number("select sequence from cluster")
            _ = try eventually("a heartbeat") { try world.number("select sequence from cluster") > last ? true : nil }
        }
        #expect(agent.isRunning)
        #expect(try world.number("select count(*) from cluster where state = 'connected'") == 1)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        #expect(try world.ledgerCloses())
    }
}
