import Foundation
import Kafka
import WorkerRuntime

/// From produced to the status readable in Kafka, at a steady rate.
enum LatencyBench {
    static func run(rate: Int, seconds: Int) throws -> [Sample] {
        let world = try BenchWorld()
        try world.start("resource-worker")
        try world.start("outbox-relay")
        let reader = try KafkaReader(world.kafka)
        try reader.read(["slipway.resource.status"], fromBeginning: true)
        var load = ResourceLoad(fleetKey: try world.fleetKey)
        let producer = try KafkaProducer(world.kafka)
        let total = rate * seconds
        let warmUp = rate * 4
        var sent: [String: ContinuousClock.Instant] = [:]
        var latencies: [Double] = []
        let began = ContinuousClock.now + .seconds(6)
        var next = 0
        // The group's first join takes seconds on the mock broker: one message, then wait for its status.
        try producer.send(load.next(object: 1_000_000), tag: 0)
        while ContinuousClock.now < began + .seconds(seconds + 15), latencies.count < total - warmUp {
            while next < total, ContinuousClock.now >= began + .seconds(Double(next) / Double(rate)) {
                let object = 2_000_000 + next
                try producer.send(load.next(object: object), tag: 0)
                if next >= warmUp { sent[String(object)] = .now }
                next += 1
            }
            _ = producer.poll(timeout: .zero)
            guard let message = try reader.next(timeout: .milliseconds(1)) else { continue }
            let object = message.key?.split(separator: "-").last.map(String.init) ?? ""
            if let at = sent.removeValue(forKey: object) { latencies.append((.now - at).seconds * 1000) }
        }
        producer.close()
        reader.close()
        latencies.sort()
        func percentile(_ part: Double) -> Double {
            latencies.isEmpty ? .nan : latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))]
        }
        let name = "latency at \(rate) messages/s, produced to status readable"
        return [
            Sample("\(name): p50", percentile(0.5), "ms", digits: 1),
            Sample("\(name): p99", percentile(0.99), "ms", digits: 1, picture: .latency),
            Sample("\(name): p99.9", percentile(0.999), "ms", digits: 1),
            Sample("\(name): measured", Double(latencies.count), "messages"),
        ]
    }
}
