import Foundation
import Kafka
import WorkerRuntime

/// The limit of Kafka here: produce the same messages and consume them again, with nothing done to them.
enum KafkaLimitBench {
    static func run(count: Int) throws -> [Sample] {
        let world = try BenchWorld()
        let shape = ResourceLoad.Shape()
        var load = ResourceLoad(fleetKey: try world.fleetKey, shape)
        let records = (0..<10_000).map { _ in load.next() }
        let produced = try produce(count, records, world)
        let consumed = try consume(count, world)
        return [
            Sample("limit: produce the same messages", produced, "messages/s", picture: .throughput),
            Sample("limit: consume the same messages", consumed, "messages/s", picture: .throughput),
        ]
    }

    private static func produce(_ count: Int, _ records: [KafkaRecord], _ world: BenchWorld) throws -> Double {
        let producer = try KafkaProducer(world.kafka)
        defer { producer.close() }
        let began = ContinuousClock.now
        for index in 0..<count {
            try producer.sendWaiting(records[index % records.count], tag: UInt64(index))
            if index % 1000 == 0 { _ = producer.poll(timeout: .zero) }
        }
        _ = try producer.flush(timeout: .seconds(60))
        return Double(count) / (ContinuousClock.now - began).seconds
    }

    private static func consume(_ count: Int, _ world: BenchWorld) throws -> Double {
        var settings = world.kafka
        settings.properties["queued.min.messages"] = "100000"
        let reader = try KafkaReader(settings)
        defer { reader.close() }
        try reader.read(["slipway.resource.changes"], fromBeginning: true)
        var seen = 0
        var began: ContinuousClock.Instant?
        let limit = ContinuousClock.now + .seconds(60)
        while seen < count {
            guard ContinuousClock.now < limit else { throw StartError("The broker did not give back every message.") }
            guard try reader.next(timeout: .milliseconds(100)) != nil else { continue }
            if began == nil { began = .now }
            seen += 1
        }
        return Double(count - 1) / (ContinuousClock.now - (began ?? .now)).seconds
    }
}
