import Foundation
import Kafka
import Postgres
import WorkerRuntime

/// Partitions that are added while the fleet works.
extension FaultPlayer {
    /// Has the load send to partitions of the topic of requests that it did not know, and then notes where the older ones end.
    ///
    /// The embedded broker adds none, so they are there from the start, held back as those that `slipway topics grow` is about
    /// to make, and nobody sends to them. A worker stands still meanwhile: messages of a key come to its new partition while
    /// older ones wait in its former one.
    func addPartitions() throws -> String {
        guard load.partitions < ChaosWorld.grownPartitions else { throw NotPlayed("the topic has them already") }
        let slot = fleet.living("deployment-worker").first
        if let slot { fleet.signal(SIGSTOP, slot) }
        do {
            defer { if let slot { fleet.signal(SIGCONT, slot) } }
            load.sendAhead(60)
            try wait("the load did not send") { load.hasSentAhead }
            load.learn(partitions: ChaosWorld.grownPartitions)
            load.sendAhead(60)
            try wait("the load did not send") { load.hasSentAhead }
            // Time for the other workers to take what they should not.
            wait(1.5)
        }
        // A metadata age: until what was sent by the former number has arrived.
        try wait("what was sent before partitions were added did not arrive") { !load.waitsForFormerPartitions }
        let connection = try world.database()
        defer { connection.close() }
        try ChaosWorld.growth().note(ends: try ends(), on: connection)
        return "\(ChaosWorld.requests) from \(ChaosWorld.partitions) to \(ChaosWorld.grownPartitions)"
            + (slot.map { ", \($0) held" } ?? "")
    }

    private func wait(_ failure: String, until isDone: () -> Bool) throws {
        let limit = ContinuousClock.now + .seconds(30)
        while !isDone() {
            guard ContinuousClock.now < limit else { throw ChaosFailure("\(failure) within half a minute") }
            wait(0.05)
        }
    }

    private func ends() throws -> [Int64] {
        let reader = try KafkaConsumer(world.kafka, group: "slipway-chaos-growth", topics: [])
        defer { _ = reader.close(deadline: .seconds(1)) }
        let places = (0..<Int32(ChaosWorld.partitions)).map {
            KafkaTopicPartition(topic: ChaosWorld.prefix + ChaosWorld.requests, partition: $0)
        }
        let ends = try reader.ends(of: places, timeout: .seconds(20))
        // One that is missing is refused where they are noted.
        return places.compactMap { ends[$0] }
    }
}
