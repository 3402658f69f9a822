import Foundation

/// A mark, the figure of this run, and whether it is met; only what was measured has one.
struct BenchMark: Encodable {
    let mark: String
    let figure: String
    let isMet: Bool

    private init(_ mark: String, _ figure: String, _ isMet: Bool) {
        (self.mark, self.figure, self.isMet) = (mark, figure, isMet)
    }

    /// What Slipway does at most, against the same of what a figure is compared with.
    private static func times(_ mark: String, _ of: Double?, _ by: Double?, least: Double) -> BenchMark? {
        guard let of, let by, by > 0 else { return nil }
        return BenchMark("\(mark): at least \(text(least))", text(of / by), of / by >= least)
    }

    private static func atMost(_ mark: String, _ figure: Double?, _ most: Double, _ unit: String) -> BenchMark? {
        figure.map { BenchMark("\(mark): at most \(text(most)) \(unit)", "\(text($0)) \(unit)", $0 <= most) }
    }

    private static func atLeast(_ mark: String, _ figure: Double?, _ least: Double, _ unit: String) -> BenchMark? {
        figure.map { BenchMark("\(mark): at least \(text(least)) \(unit)", "\(text($0)) \(unit)", $0 >= least) }
    }

    private static func text(_ value: Double) -> String { BenchReport.text(value, value < 1000 ? 2 : 0) }

    /// Every mark of which a report has the figures.
    static func all(of report: BenchReport) -> [BenchMark] {
        (throughput(report) + time(report) + cost(report)).compactMap { $0 }
    }

    private static func throughput(_ report: BenchReport) -> [BenchMark?] {
        let best = report.greatest { $0.hasPrefix("end to end, ") && $0.hasSuffix(" lanes") }
        let limit = report.greatest { $0.hasPrefix("limit: the same rows in a plain libpq loop") }
        let folded = report.greatest { $0.hasPrefix("limit: the same messages folded") && $0.hasSuffix("connections") }
        let workers = ["", ", commits of 20 ms"].map { database in
            times(
                "two workers of one lane against one\(database)",
                report.median("end to end, 2 workers of one lane\(database)"),
                report.median("end to end, 1 worker of one lane\(database)"),
                least: 1.8
            )
        }
        let careful = report.median("peer: Python, careful")
        let carefulTwice = report.median("peer: Python, careful, 2 processes")
        let framework = report.median("peer: Python, with a framework")
        return [
            atLeast(
                "sustained for 5 minutes, its producer beside it",
                report.median("sustained for 300 s, 2 lanes, its producer on the same cores"),
                20_000,
                "messages/s"
            ),
            times("the best of Slipway against the same rows in a plain libpq loop", best, limit, least: 0.6),
            times("the same against a loop that folds as a lane does", best, folded, least: 0.6),
            times("against the careful peer", best, careful, least: 3),
            times("against the careful peer in 2 processes", best, carefulTwice, least: 3),
            times("against the peer with a framework", best, framework, least: 15),
        ] + workers
    }

    private static func time(_ report: BenchReport) -> [BenchMark?] {
        let ways = ["", " without Kafka's transactions"].map { "latency at 500 messages/s\($0)" }
        let latency = ways.flatMap { way in
            [("p50", 5.0), ("p99", 20.0)].map { part, most in
                atMost("\(way), \(part)", report.median("\(way), due to status readable: \(part)"), most, "ms")
            }
        }
        return latency + [
            atLeast(
                "decode a resource change, a core",
                report.median("decode a resource change (560 B)"),
                1_000_000,
                "messages/s"
            ),
            atLeast("the same out of a consumer", report.median("decode one from a consumer"), 1_000_000, "messages/s"),
        ]
    }

    private static func cost(_ report: BenchReport) -> [BenchMark?] {
        func cpu(_ of: String) -> Double? { report.median("end to end, 1 lane, \(of): CPU without the broker") }
        /// By how much the CPU of a message grows.
        func growth(_ mark: String, _ few: String, _ many: String) -> BenchMark? {
            guard let few = cpu(few), let many = cpu(many), few > 0 else { return nil }
            return atMost("CPU of a message, \(mark)", many / few, 1.2, "times")
        }
        let memory = report.greatest { $0.hasSuffix(": peak memory of resource-worker") && !$0.hasPrefix("idle") }
        let idle = IdleBench.workers.compactMap { report.median("idle: \($0)") }.max()
        return [
            atMost("memory of a worker under full load", memory.map { $0 * 1.048576 }, 100, "MB"),
            growth("1,000,000 stored objects against 10,000", "10000 objects stored", "1000000 objects stored"),
            growth("100,000 instances against 1,000", "1000 instances", "100000 instances"),
            growth("1,000 environments against 10", "10 environments", "1000 environments"),
            atMost("an idle worker, the most of one", idle, 1, "% of a core"),
        ]
    }
}
