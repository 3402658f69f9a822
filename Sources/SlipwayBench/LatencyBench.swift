import CloudEvents
import Foundation
import Kafka
import WorkerRuntime

/// From produced to the status readable in Kafka, at a steady rate.
enum LatencyBench {
    /// One message's way: the whole of it, and where the time went, in milliseconds.
    private struct Way {
        /// By the monotonic clock.
        let whole: Double
        /// From produced to the transaction's begin: the producer, the broker, the lane's wait for its turn.
        let decided: Double
        /// From there to the relay's producer: the transaction, the relay's waking and reading.
        let relayed: Double
        /// From there to the reader: the producer, the broker.
        let read: Double
    }

    static func run(rate: Int, seconds: Int) throws -> [BenchReport.Row] {
        let world = try BenchWorld()
        try world.start("resource-worker")
        try world.start("outbox-relay", [], ["SLIPWAY_LANES": ProcessInfo.processInfo.environment["BENCH_RELAY"] ?? "1"])
        let reader = try KafkaReader(world.kafka)
        try reader.read(["slipway.resource.status"], fromBeginning: true)
        var load = ResourceLoad(fleetKey: try world.fleetKey)
        let producer = try KafkaProducer(world.kafka)
        let total = rate * seconds
        let warmUp = rate * 4
        var sent: [String: (instant: ContinuousClock.Instant, time: Double)] = [:]
        var ways: [Way] = []
        let began = ContinuousClock.now + .seconds(6)
        var next = 0
        // The group's first join takes seconds on the mock broker: one message, then wait for its status.
        try producer.send(load.next(object: 1_000_000), tag: 0)
        while ContinuousClock.now < began + .seconds(seconds + 15), ways.count < total - warmUp {
            while next < total, ContinuousClock.now >= began + .seconds(Double(next) / Double(rate)) {
                let object = 2_000_000 + next
                try producer.send(load.next(object: object), tag: 0)
                if next >= warmUp { sent[String(object)] = (.now, wallClock) }
                next += 1
            }
            _ = producer.poll(timeout: .zero)
            guard let message = try reader.next(timeout: .milliseconds(1)) else { continue }
            let object = message.key?.split(separator: "-").last.map(String.init) ?? ""
            guard let at = sent.removeValue(forKey: object) else { continue }
            let w = way(of: message, sent: at.instant, time: at.time)
            ways.append(w)
            FileHandle.standardError.write(Data("WAY \(at.time) \(object) \(w.whole) \(w.decided) \(w.relayed) \(w.read)\n".utf8))
        }
        producer.close()
        reader.close()
        for u in world.usage() { FileHandle.standardError.write(Data("CPU \(u.name) \(u.cpu)\n".utf8)) }
        return rows(ways, rate)
    }

    private static var wallClock: Double { Date().timeIntervalSince1970 * 1000 }

    /// The event's time is the transaction's, the message's time the relay's producer's; both have milliseconds.
    private static func way(of message: KafkaMessage, sent: ContinuousClock.Instant, time: Double) -> Way {
        let decided = message.header("ce_time").flatMap(RFC3339.parse).map { Double($0) / 1000 } ?? .nan
        let relayed = Double(message.timestamp.millisecondsSince1970)
        return Way(
            whole: (.now - sent).seconds * 1000,
            decided: decided - time,
            relayed: relayed - decided,
            read: wallClock - relayed
        )
    }

    private static func rows(_ ways: [Way], _ rate: Int) -> [BenchReport.Row] {
        let name = "latency at \(rate) messages/s, produced to status readable"
        let parts: [(String, KeyPath<Way, Double>)] = [
            ("until its transaction", \.decided), ("until the relay sends it", \.relayed), ("until it is read", \.read),
        ]
        let whole = ways.map(\.whole).sorted()
        return [
            BenchReport.Row("\(name): p50", percentile(0.5, of: whole), "ms", digits: 1),
            BenchReport.Row("\(name): p99", percentile(0.99, of: whole), "ms", digits: 1),
            BenchReport.Row("\(name): p99.9", percentile(0.999, of: whole), "ms", digits: 1),
            BenchReport.Row("\(name): measured", Double(ways.count), "messages"),
        ]
            + parts.flatMap { part in
                let times = ways.map { $0[keyPath: part.1] }.sorted()
                return [
                    BenchReport.Row("of it \(part.0): p50", percentile(0.5, of: times), "ms", digits: 1),
                    BenchReport.Row("of it \(part.0): p99", percentile(0.99, of: times), "ms", digits: 1),
                ]
            }
    }

    private static func percentile(_ part: Double, of sorted: [Double]) -> Double {
        sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
}
