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

    @Test func `a partition without a leader keeps no other one waiting, nor the group`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 4)
        let place = KafkaTopicPartition(topic: world.prefix + "deployment.requests", partition: 2)
        try world.broker.setPartitionLeader(place, broker: nil)
        _ = try world.start("deployment-worker")
        for partition: Int32 in [0, 1, 3] { try world.createProject("p\(partition)", on: partition) }
        _ = try eventually("the projects of the others", within: .seconds(60)) {
            try world.number("select count(*) from project") == 3 ? true : nil
        }
        let second = try world.start("deployment-worker")
        _ = try eventually("another worker has partitions", within: .seconds(60)) {
            let owned = "select count(*) from partition_claim where owner like '%-\(second.pid)-%'"
            return try world.number(owned) > 0 ? true : nil
        }
        try world.broker.setPartitionLeader(place, broker: 1)
        try world.createProject("p2", on: 2)
        try expectProjects(world, partitions: 4)
    }

    @Test func `a claim that somebody keeps locked keeps no other one waiting`() throws {
        let (world, first) = try startWorker(refusing: [])
        try expectProjects(world)
        first.signal(SIGTERM)
        #expect(try first.exitCode() == 0)
        let holder = try TestDatabase.connect(world.environment["SLIPWAY_DATABASE_URL"] ?? "")
        try holder.script("set idle_in_transaction_session_timeout = 0")
        try holder.transaction { transaction in
            try transaction.query("select from partition_claim where partition = 0 for update")
            _ = try world.start("deployment-worker")
            for number in 4..<6 { try world.createProject("p\(number)", on: Int32(number % 2)) }
            _ = try eventually("the project of the other partition", within: .seconds(60)) {
                try world.number("select count(*) from project where project = 'p5'") == 1 ? true : nil
            }
            #expect(try world.number("select count(*) from project where project = 'p4'") == 0)
        }
        _ = try eventually("the project of the partition whose claim was locked", within: .seconds(60)) {
            try world.number("select count(*) from project") == 6 ? true : nil
        }
        #expect(try world.ledgerCloses())
    }

    @Test func `a worker whose group does not say whose the partitions are asks now and then, and ends when it is to`()
        throws
    {
        let refusals = Array(repeating: KafkaError.Code.rebalanceInProgress, count: 10_000)
        let (world, worker) = try startWorker(refusing: refusals)
        _ = try eventually("it leaves the claims for later, more than once", within: .seconds(60)) {
            worker.output.components(separatedBy: "the group does not say whose its partitions are").count > 2
                ? true : nil
        }
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
        #expect(try world.number("select count(*) from partition_claim") == 0)
    }

    /// A worker with requests on both of its partitions, and a group that refuses its first commits.
    private func startWorker(refusing refusals: [KafkaError.Code]) throws -> (FleetWorld, WorkerProcessHandle) {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        try world.broker.pushRequestErrors(.offsetCommit, refusals)
        for number in 0..<4 { try world.createProject("p\(number)", on: Int32(number % 2)) }
        return (world, try world.start("deployment-worker"))
    }

    private func expectProjects(_ world: FleetWorld, partitions: Int64 = 2) throws {
        _ = try eventually("four projects", within: .seconds(60)) {
            try world.number("select count(*) from project") == 4 ? true : nil
        }
        #expect(try world.number("select count(*) from partition_claim") == partitions)
    }
}
