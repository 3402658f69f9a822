import Domain
import Foundation
import TestSupport
import Testing

/// Each worker is killed at each point of a message's life, on the way from a release event to a running instance; the
/// outcome is the same every time.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct KilledWorkerTests {
    private static let lane = ["afterPoll", "inTransaction", "afterCommit"]

    @Test(arguments: [
        ("release-worker", lane), ("deployment-worker", lane), ("agent-worker", lane), ("resource-worker", lane),
        ("timekeeper", ["inTransaction", "afterCommit"]), ("outbox-relay", ["afterPublish"]),
    ])
    func `accepted is not lost and done once, whichever worker is killed wherever it stands`(
        worker: String,
        points: [String]
    ) throws {
        let fleet = EndToEndTests()
        var killed: [WorkerProcessHandle] = []
        let (world, agent) = try fleet.makeFleet(without: worker) { world in
            killed.append(try world.start(worker, [], world.signals(of: worker)))
        }
        try world.request(
            "autodeploy.create",
            key: "shop/staging",
            id: "rule",
            #"{"project":"shop","environment":"staging","application":"web","instance":"web","versions":"^1.0"}"#
        )
        try fleet.waitFor("the rule", world, "select count(*) from auto_deploy_rule", 1)
        for (number, point) in points.enumerated() {
            let process = try #require(killed.last)
            world.hold(point, of: worker)
            try fleet.release("1.\(number).0", world)
            try world.waitUntilHeld(process, at: point, of: worker)
            process.signal(SIGKILL)
            _ = try process.exitCode()
            world.letPass(point, of: worker)
            killed.append(try world.start(worker, [], world.signals(of: worker)))
            try fleet.waitFor(
                "1.\(number).0 runs",
                world,
                "select count(*) from instance where state = 'running' and running_version = '1.\(number).0'",
                1
            )
        }
        try expectDoneOnce(world, fleet, releases: Int64(points.count))
        #expect(agent.isRunning && killed.last?.isRunning == true)
    }

    private func expectDoneOnce(_ world: FleetWorld, _ fleet: EndToEndTests, releases: Int64) throws {
        try fleet.waitFor("an empty outbox", world, "select count(*) from outbox", 0)
        #expect(try world.number("select count(*) from version where artifact = 'web'") == releases)
        let deploys = "select count(*) from command where operation = 'instance.deploy'"
        #expect(try world.number(deploys) == releases)
        #expect(try world.number(deploys + " and state = 'succeeded'") == releases)
        #expect(try world.number("select coalesce(sum(dead_lettered), 0)::bigint from partition_claim") == 0)
        #expect(try world.number("select count(*) from parked_message") == 0)
        try fleet.expectStatusesInOrder(world, mayRepeat: true)
        #expect(try world.ledgerCloses())
        #expect(try Verification.differences(on: world.database) == [])
    }
}
