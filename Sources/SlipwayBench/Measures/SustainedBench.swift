import Foundation
import WorkerRuntime

/// The hot path for minutes: a producer beside it keeps a bounded number of messages ahead.
enum SustainedBench {
    private static let lanes = 2

    static func run(seconds: Int) throws -> [Sample] {
        let world = try BenchWorld()
        let load = try LoadAhead(world)
        defer { load.close() }
        try world.start("resource-worker", [], ["SLIPWAY_LANES": String(lanes)])
        try world.start("outbox-relay")
        var meter = SteadyMeter()
        while meter.seconds < Double(seconds) {
            let consumed = try world.consumed()
            meter.note(consumed)
            try load.fill(beyond: consumed, pause: .milliseconds(20))
        }
        let name = "sustained for \(seconds) s, \(lanes) lanes, its producer on the same cores"
        return [
            Sample(name, meter.rate, "messages/s"),
            Sample("\(name): slowest ten seconds", meter.slowest, "messages/s"),
            Sample("\(name): first half minute", meter.rate(ofFirst: 30), "messages/s"),
            Sample("\(name): last half minute", meter.rate(ofLast: 30), "messages/s"),
        ] + world.usage().flatMap { $0.memorySamples(of: name) }
    }
}

/// Rates over a time, and over its slowest part.
struct SteadyMeter {
    private var points: [(at: ContinuousClock.Instant, count: Int)] = []
    private static let window = Duration.seconds(10)

    /// Since the first message was done.
    var seconds: Double { points.first.map { (ContinuousClock.now - $0.at).seconds } ?? 0 }

    mutating func note(_ count: Int) {
        if count > 0 { points.append((.now, count)) }
    }

    var rate: Double { Self.rate(points[...]) }

    /// Of so many seconds at the beginning, or of all that there are.
    func rate(ofFirst seconds: Double) -> Double {
        guard let first = points.first else { return .nan }
        return Self.rate(points.prefix { $0.at - first.at <= .seconds(seconds) })
    }

    /// Of so many seconds at the end, or of all that there are.
    func rate(ofLast seconds: Double) -> Double {
        guard let last = points.last else { return .nan }
        return Self.rate(points.drop { last.at - $0.at > .seconds(seconds) })
    }

    private static func rate(_ points: ArraySlice<(at: ContinuousClock.Instant, count: Int)>) -> Double {
        guard let first = points.first, let last = points.last, last.at > first.at else { return .nan }
        return Double(last.count - first.count) / (last.at - first.at).seconds
    }

    var slowest: Double {
        var slowest = Double.infinity
        var begin = 0
        for point in points {
            guard point.at - points[begin].at >= Self.window else { continue }
            let part = Double(point.count - points[begin].count) / (point.at - points[begin].at).seconds
            slowest = min(slowest, part)
            while point.at - points[begin].at >= Self.window { begin += 1 }
        }
        return slowest.isFinite ? slowest : .nan
    }
}
