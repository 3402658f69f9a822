import Domain
import Foundation
import Kafka
import TestSupport
import Testing

/// The fleet on a broker of another make, which SLIPWAY_TEST_BROKERS names.
@Suite(
    .enabled(if: secondBroker != nil, "There is no second broker: 'make test-broker' starts one."),
    .ownThreads,
    .timeLimit(.minutes(15))
)
struct NamedBrokerFleetTests {
    private let fleet = EndToEndTests()

    @Test func `a release event becomes a running instance on another broker, and each worker is replaced`() throws {
        let (world, agent) = try fleet.makeFleet(copies: 2, brokers: secondBroker)
        try fleet.release("1.0.0", world)
        try fleet.waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try fleet.deploy(world)
        try fleet.waitFor("it runs", world, "select count(*) from instance where state = 'running'", 1)
        _ = try eventually("the result") {
            try world.messages(on: "deployment.results").contains {
                $0.header("ce_type") == "slipway.command.succeeded.v1"
            }
                ? true : nil
        }

        // One of each dies; the others have its partitions when its session has ended.
        let killed = world.firstOfEach(EndToEndTests.workers)
        #expect(killed.count == EndToEndTests.workers.count)
        for worker in killed {
            worker.signal(SIGKILL)
            _ = try worker.exitCode()
        }
        let died = ContinuousClock.now
        let dead = killed.map { "owner like '%-\($0.pid)-%'" }.joined(separator: " or ")
        try fleet.waitFor(
            "others to have the partitions",
            world,
            "select count(*) from partition_claim where \(dead)",
            0
        )
        print(
            "Others had every partition of the killed workers after \(ContinuousClock.now - died), with sessions of 6 s."
        )
        try world.request(
            "instance.restart",
            key: "shop/staging",
            id: "r",
            #"{"project":"shop","environment":"staging","instance":"web"}"#
        )
        let restarted = "select count(*) from command where operation = 'instance.restart' and state = 'succeeded'"
        try fleet.waitFor("the restart", world, restarted, 1)
        try fleet.waitFor("an empty outbox", world, "select count(*) from outbox", 0)
        #expect(agent.isRunning)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        #expect(try world.ledgerCloses())
        #expect(try Verification.differences(on: world.database) == [])
    }

    @Test func `an agent that sleeps is followed at once on another broker, and ends when it wakes`() throws {
        try AgentTakeoverTests().replaceSleepingAgent(brokers: secondBroker)
    }
}

private let secondBroker = ProcessInfo.processInfo.environment["SLIPWAY_TEST_BROKERS"].flatMap {
    $0.isEmpty ? nil : $0
}
