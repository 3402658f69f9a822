import Foundation
import TestSupport
import Testing

/// Agents and workers whose machines' clocks are wrong: deadlines are the database's, and their own paces do not follow the
/// wall clock.
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
        // One that was ahead once in an hour is told of; one that was behind may only have been heard late.
        let known = offset > 0 ? "between 1190000000 and 1210000000" : "> -60000000"
        #expect(try world.number("select count(*) from cluster where clock_ahead_us \(known)") == 1)
        #expect(agent.isRunning)
        #expect(try world.number("select count(*) from cluster where state = 'connected'") == 1)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        #expect(try world.ledgerCloses())
    }

    @Test(arguments: [600, -600])
    func `workers with clocks that are wrong by ten minutes deploy, and time out when it is due`(offset: Int) throws {
        let (world, agent) = try fleet.makeFleet(
            timers: [
                "SLIPWAY_TEST_CLOCK_AHEAD": "\(offset)", "SLIPWAY_ACKNOWLEDGE_SECONDS": "10",
                "SLIPWAY_AGENT_LEASE_SECONDS": "5",
            ]
        )
        try fleet.release("1.0.0", world)
        try fleet.waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try fleet.deploy(world)
        try fleet.waitFor("the instance", world, "select count(*) from instance where state = 'running'", 1)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        agent.signal(SIGSTOP)
        try world.request(
            "instance.restart",
            key: "shop/staging",
            id: "unheard",
            #"{"project":"shop","environment":"staging","instance":"web"}"#
        )
        try fleet.waitFor("a time-out", world, "select count(*) from command where state = 'timed_out'", 1)
        let hasty = "state = 'timed_out' and changed_at < created_at + interval '10 s'"
        #expect(try world.number("select count(*) from command where \(hasty)") == 0)
        #expect(try world.ledgerCloses())
        let told = "select count(*) from worker where abs(clock_ahead_us - \(offset) * 1000000.0) < 5000000"
        #expect(try world.number(told) >= EndToEndTests.workers.count, "'slipway doctor' can tell")
        for worker in world.firstOfEach(EndToEndTests.workers) {
            #expect(worker.output.contains("this worker's clock is wrong by \(offset) s"), "\(worker.name)")
        }
    }
}
