import CloudEvents
import Foundation
import Kafka
import WorkerRuntime

/// From produced to the status readable in Kafka, at a steady rate.
enum LatencyBench {
    /// How long a message took, and the legs of its way as the times in its status tell, in milliseconds.
    private struct Way {
        let whole: Double
        /// Until the worker's transaction had begun.
        let toTransaction: Double
        /// From there until the relay sent its status.
        let toRelay: Double

        init(_ status: KafkaMessage, since sent: (at: ContinuousClock.Instant, clock: Double)) {
            whole = (.now - sent.at).seconds * 1000
            let began = Double(status.header("ce_time").flatMap(RFC3339.parse) ?? 0) / 1000
            toTransaction = began - sent.clock
            toRelay = Double(status.timestamp.millisecondsSince1970) - began
        }
    }

    /// The most messages that one broker is given: the mock broker looks for an offset by going through all it keeps of a
    /// partition, small batch by small batch, so that with tens of thousands it is what everybody waits for.
    private static let most = 5_000
    private static let mostWorlds = 5

    /// Measures for so many seconds in all, on as many worlds as it takes.
    static func run(rate: Int, seconds: Int) throws -> [Sample] {
        let total = min(rate * seconds, most)
        let warmUp = min(rate * 4, total * 2 / 5)
        let worlds = min(mostWorlds, max(1, (rate * seconds + total - warmUp - 1) / (total - warmUp)))
        let ways = try (0..<worlds).flatMap { _ in try run(rate: rate, total: total, warmUp: warmUp) }
        return samples(ways, rate)
    }

    private static func run(rate: Int, total: Int, warmUp: Int) throws -> [Way] {
        // A real broker answers as soon as something is there.
        let world = try BenchWorld(fetchWaitMilliseconds: 1)
        try world.start("resource-worker")
        try world.start("outbox-relay")
        let reader = try KafkaReader(world.kafka)
        try reader.read(["slipway.resource.status"], fromBeginning: true)
        var load = ResourceLoad(fleetKey: try world.fleetKey)
        var eager = world.kafka
        eager.properties["linger.ms"] = "0"
        let producer = try KafkaProducer(eager)
        var sent: [String: (at: ContinuousClock.Instant, clock: Double)] = [:]
        var ways: [Way] = []
        let began = ContinuousClock.now + .seconds(6)
        var next = 0
        // The group's first join takes seconds on the mock broker: one message, then wait for its status.
        try producer.send(load.next(object: 1_000_000), tag: 0)
        while ContinuousClock.now < began + .seconds(total / rate + 15), ways.count < total - warmUp {
            while next < total, ContinuousClock.now >= began + .seconds(Double(next) / Double(rate)) {
                let object = 2_000_000 + next
                try producer.send(load.next(object: object), tag: 0)
                if next >= warmUp { sent[String(object)] = (.now, Date().timeIntervalSince1970 * 1000) }
                next += 1
            }
            _ = producer.poll(timeout: .zero)
            guard let message = try reader.next(timeout: .milliseconds(1)) else { continue }
            let object = message.key?.split(separator: "-").last.map(String.init) ?? ""
            if let begin = sent.removeValue(forKey: object) { ways.append(Way(message, since: begin)) }
        }
        producer.close()
        reader.close()
        return ways
    }

    private static func samples(_ ways: [Way], _ rate: Int) -> [Sample] {
        func percentile(_ part: Double, _ leg: (Way) -> Double) -> Double {
            let times = ways.map(leg).sorted()
            return times.isEmpty ? .nan : times[min(times.count - 1, Int(Double(times.count) * part))]
        }
        let name = "latency at \(rate) messages/s, produced to status readable"
        return [
            Sample("\(name): p50", percentile(0.5, \.whole), "ms", digits: 1),
            Sample("\(name): p50 until the transaction", percentile(0.5, \.toTransaction), "ms", digits: 1),
            Sample("\(name): p50 from there to the relay", percentile(0.5, \.toRelay), "ms", digits: 1),
            Sample("\(name): p99", percentile(0.99, \.whole), "ms", digits: 1, picture: .latency),
            Sample("\(name): p99.9", percentile(0.999, \.whole), "ms", digits: 1),
            Sample("\(name): measured", Double(ways.count), "messages"),
        ]
    }
}
