import CloudEvents
import Foundation
import Kafka
import WorkerRuntime

/// From when a message was due to the status readable in Kafka, at a steady rate.
///
/// A message's time begins when it was due, also where it was sent later: what a stall holds up counts in full, and not
/// only for those that were sent before it.
enum LatencyBench {
    /// How long a message took, and the legs of its way as the times in its status tell, in milliseconds.
    private struct Way {
        let whole: Double
        /// Until the worker's transaction had begun.
        let toTransaction: Double
        /// From there until the relay sent its status.
        let toRelay: Double

        init(_ status: KafkaMessage, since due: (at: ContinuousClock.Instant, clock: Double)) {
            whole = (.now - due.at).seconds * 1000
            let began = Double(status.header("ce_time").flatMap(RFC3339.parse) ?? 0) / 1000
            toTransaction = began - due.clock
            toRelay = Double(status.timestamp.millisecondsSince1970) - began
        }
    }

    /// The most messages that one broker is given: the mock broker looks for an offset by going through all it keeps of a
    /// partition, small batch by small batch, so that with tens of thousands it is what everybody waits for.
    private static let most = 5_000
    private static let mostWorlds = 5
    /// How long after the last message to wait for what has not come.
    private static let patience = 15

    /// Measures for so many seconds in all, on as many worlds as it takes.
    ///
    /// - Parameter inTransactions: Whether the relay publishes in Kafka's transactions, as it does unless an operator
    ///   says otherwise.
    static func run(rate: Int, seconds: Int, inTransactions: Bool = true) throws -> [Sample] {
        let total = min(rate * seconds, most)
        let warmUp = min(rate * 4, total * 2 / 5)
        let worlds = min(mostWorlds, max(1, (rate * seconds + total - warmUp - 1) / (total - warmUp)))
        let ways = try (0..<worlds).flatMap { _ in
            try run(rate: rate, total: total, warmUp: warmUp, inTransactions: inTransactions)
        }
        return samples(ways, "latency at \(rate) messages/s\(inTransactions ? "" : " without Kafka's transactions")")
    }

    private static func run(rate: Int, total: Int, warmUp: Int, inTransactions: Bool) throws -> [Way] {
        // A real broker answers as soon as something is there.
        let world = try BenchWorld(fetchWaitMilliseconds: 1)
        try world.start("resource-worker")
        try world.start("outbox-relay", [], ["SLIPWAY_RELAY_TRANSACTIONS": String(inTransactions)])
        let reader = try KafkaReader(world.kafka)
        defer { reader.close() }
        try reader.read(["slipway.resource.status"], fromBeginning: true)
        let producer = try DueProducer(world, rate: rate, total: total)
        var ways: [Way?] = Array(repeating: nil, count: total)
        var missing = total - warmUp
        let end = producer.began + .seconds(total / rate + patience)
        while missing > 0, ContinuousClock.now < end {
            guard let message = try reader.next(timeout: .milliseconds(50)) else { continue }
            guard let place = DueProducer.place(message), place >= warmUp, ways[place] == nil else { continue }
            ways[place] = Way(message, since: producer.due(place))
            missing -= 1
        }
        try producer.stop()
        guard missing == 0 else {
            throw RoundFailed(
                "latency at \(rate) messages/s: \(missing) of \(total - warmUp) messages did not come back within "
                    + "\(patience) s of the last."
            )
        }
        return ways.compactMap { $0 }
    }

    /// Percentiles of the exact times, all kept and sorted: a histogram such as HdrHistogram rounds them.
    private static func samples(_ ways: [Way], _ what: String) -> [Sample] {
        func percentile(_ part: Double, _ leg: (Way) -> Double) -> Double {
            let times = ways.map(leg).sorted()
            return times.isEmpty ? .nan : times[min(times.count - 1, Int(Double(times.count) * part))]
        }
        let name = "\(what), due to status readable"
        return [
            Sample("\(name): p50", percentile(0.5, \.whole), "ms", digits: 1),
            Sample("\(name): p50 until the transaction", percentile(0.5, \.toTransaction), "ms", digits: 1),
            Sample("\(name): p50 from there to the relay", percentile(0.5, \.toRelay), "ms", digits: 1),
            Sample("\(name): p99", percentile(0.99, \.whole), "ms", digits: 1, picture: .latency),
            Sample("\(name): p99.9", percentile(0.999, \.whole), "ms", digits: 1),
            Sample("\(name): longest", ways.map(\.whole).max() ?? .nan, "ms", digits: 1),
            Sample("\(name): measured", Double(ways.count), "messages"),
        ]
    }
}
