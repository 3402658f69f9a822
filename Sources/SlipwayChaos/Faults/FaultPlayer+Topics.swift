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
        load.sendAhead(60)
        wait(1)
        load.learn(partitions: ChaosWorld.grownPartitions)
        wait(0.5)
        load.sendAhead(60)
        wait(1.5)
        if let slot { fleet.signal(SIGCONT, slot) }
        // A metadata age: until what was sent by the former number has arrived.
        let limit = ContinuousClock.now + .seconds(30)
        while load.waitsForFormerPartitions, ContinuousClock.now < limit { wait(0.1) }
        guard !load.waitsForFormerPartitions else {
            throw ChaosFailure("what was sent before partitions were added did not arrive within half a minute")
        }
        let connection = try world.database()
        defer { connection.close() }
        try ChaosWorld.growth().note(ends: try ends(), on: connection)
        return "\(ChaosWorld.requests) from \(ChaosWorld.partitions) to \(ChaosWorld.grownPartitions)"
            + (slot.map { ", \($0) held" } ?? "")
    }

    private func ends() throws -> [Int64] {
        let reader = try KafkaConsumer(world.kafka, group: "slipway-chaos-growth", topics: [])
        defer { _ = reader.close(deadline: .seconds(1)) }
        return try (0..<Int32(ChaosWorld.partitions)).map { partition in
            let place = KafkaTopicPartition(topic: ChaosWorld.prefix + ChaosWorld.requests, partition: partition)
            return try reader.watermarks(of: place, timeout: .seconds(20)).high
        }
    }
}
