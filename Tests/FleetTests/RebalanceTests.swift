import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// Consumer groups that take their time.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct RebalanceTests {
    /// As long as another member has not joined, a commit is refused so: longer than a lane waits for it.
    @Test func `a partition that cannot be claimed while the group rebalances is claimed afterwards`() throws {
        let rebalancing = Array(repeating: KafkaError.Code.rebalanceInProgress, count: 80)
        let (world, _) = try startWorker(refusing: rebalancing)
        try expectProjects(world)
    }

    @Test func `a partition whose claim is refused as the group goes on to its next generation is claimed afterwards`()
        throws
    {
        let (world, worker) = try startWorker(refusing: [.illegalGeneration, .illegalGeneration])
        _ = try eventually("both claims are refused") {
            worker.output.components(separatedBy: "the group counts another member as owner").count > 2 ? true : nil
        }
        // The member joins once more and keeps what it had: nothing is assigned to it anew.
        try world.broker.pushRequestErrors(.heartbeat, [.rebalanceInProgress])
        try expectProjects(world)
    }

    /// A worker with requests on both of its partitions, and a group that refuses its first commits.
    private func startWorker(refusing refusals: [KafkaError.Code]) throws -> (FleetWorld, WorkerProcessHandle) {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        try world.broker.pushRequestErrors(.offsetCommit, refusals)
        for number in 0..<4 {
            try world.send(
                "deployment.requests",
                key: "p\(number)",
                type: "slipway.project.create.v1",
                id: "\(number)",
                value: Array(#"{"project":"p\#(number)"}"#.utf8),
                partition: Int32(number % 2)
            )
        }
        return (world, try world.start("deployment-worker"))
    }

    private func expectProjects(_ world: FleetWorld) throws {
        _ = try eventually("four projects", within: .seconds(60)) {
            try world.number("select count(*) from project") == 4 ? true : nil
        }
        #expect(try world.number("select count(*) from partition_claim") == 2)
    }
}
