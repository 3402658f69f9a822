import Foundation
import TestSupport
import Testing

/// Two agents claim one cluster: the newer one speaks for it, and the older one learns of it.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct AgentTakeoverTests {
    private let fleet = EndToEndTests()

    @Test func `an agent that slept while another one took over ends when it wakes, and changes nothing`() throws {
        try replaceSleepingAgent(brokers: nil)
    }

    /// Has an agent sleep while another one takes over, on a broker that is named or an embedded one.
    func replaceSleepingAgent(brokers: String?) throws {
        let (world, first) = try fleet.makeFleet(brokers: brokers)
        first.signal(SIGSTOP)
        let second = try fleet.startAgent(in: world)
        try makeEnvironment(in: world)
        first.signal(SIGCONT)
        #expect(try first.exitCode(within: .seconds(60)) == 3)
        #expect(first.output.contains("Another agent of this cluster has taken over."))
        #expect(second.isRunning)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        #expect(try world.number("select count(*) from agent_boot where not superseded") == 1)
        #expect(try world.ledgerCloses())
    }

    @Test func `an agent that was killed is followed at once, whatever the length of its session`() throws {
        // A session so long that nobody waits for its end.
        let (world, first) = try fleet.makeFleet { $0.environment["SLIPWAY_KAFKA_SESSION_TIMEOUT_MS"] = "300000" }
        first.signal(SIGKILL)
        _ = try first.exitCode()
        _ = try fleet.startAgent(in: world)
        try makeEnvironment(in: world)
    }

    /// An environment that only an agent at work can make active.
    private func makeEnvironment(in world: FleetWorld) throws {
        try world.request(
            "environment.create",
            key: "shop/later",
            id: "l",
            #"{"project":"shop","environment":"later","cluster":"test"}"#
        )
        let active = "select count(*) from environment where state = 'active' and environment = 'later'"
        try fleet.waitFor("an environment of the new agent's", world, active, 1)
    }
}
