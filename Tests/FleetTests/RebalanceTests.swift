import Kafka
import Postgres
import TestSupport
import Testing

/// Consumer groups that take their time.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct RebalanceTests {
    /// How the group refuses the proof: for longer than a lane waits for it, because another member has not joined; once,
    /// because it has gone on to its next generation.
    @Test(arguments: [
        Array(repeating: KafkaError.Code.rebalanceInProgress, count: 80),
        Array(repeating: KafkaError.Code.illegalGeneration, count: 2),
    ])
    func `a partition that cannot be claimed while the group rebalances is claimed afterwards`(
        refusals: [KafkaError.Code]
    ) throws {
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
        _ = try world.start("deployment-worker")
        _ = try eventually("four projects", within: .seconds(60)) {
            try world.number("select count(*) from project") == 4 ? true : nil
        }
        #expect(try world.number("select count(*) from partition_claim") == 2)
    }
}
