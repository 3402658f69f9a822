import Kafka
import Postgres
import TestSupport
import Testing

/// Consumer groups that take their time.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct RebalanceTests {
    @Test func `a partition that cannot be claimed while the group rebalances is claimed afterwards`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        // As long as another member has not joined, a commit is refused so: longer than a lane waits for it.
        let rebalancing = Array(repeating: KafkaError.Code.rebalanceInProgress, count: 80)
        try world.broker.pushRequestErrors(.offsetCommit, rebalancing)
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
        _ = try world.start("deployment-worker")
        _ = try eventually("four projects", within: .seconds(60)) {
            try world.number("select count(*) from project") == 4 ? true : nil
        }
        #expect(try world.number("select count(*) from partition_claim") == 2)
    }
}
