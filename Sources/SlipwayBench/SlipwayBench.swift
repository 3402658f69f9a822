import ArgumentParser
import Foundation

@main
struct SlipwayBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway-bench",
        abstract: "Measure the hot path, its latency and its ceiling, in one run on this machine."
    )

    @Flag(help: "Fewer messages and rounds: under two minutes.")
    var quick = false
    @Option(help: "Messages of a throughput round.")
    var messages: Int?
    @Option(help: "Where the JSON goes.")
    var output = "docs/benchmarks/latest.json"

    func run() throws {
        let count = messages ?? (quick ? 60_000 : 150_000)
        var report = BenchReport()
        report.add(try DecodeBench.run(count: quick ? 200_000 : 1_000_000))
        report.add(try SecurityBench.run(count: quick ? 5_000 : 20_000))
        report.add(try CeilingBench.run(count: count, connections: [1, 2, 4]))
        for lanes in [1, 2, 4] {
            report.add(try ThroughputBench.run(count: count, lanes: lanes))
        }
        report.add(try LatencyBench.run(rate: 500, seconds: quick ? 10 : 30))
        report.print()
        try report.write(to: output)
    }
}

/// One table and one JSON file of everything that was measured.
struct BenchReport {
    struct Row: Encodable {
        let what: String
        let figure: String
        let value: Double
        let unit: String
    }
    private var rows: [Row] = []

    mutating func add(_ more: [Row]) {
        for row in more {
            rows.append(row)
            FileHandle.standardError.write(Data("  \(row.what): \(row.figure) \(row.unit)\n".utf8))
        }
    }

    func print() {
        let width = rows.map(\.what.count).max() ?? 0
        Swift.print("\n" + "WHAT".padding(toLength: width, withPad: " ", startingAt: 0) + "  FIGURE")
        for row in rows {
            Swift.print(row.what.padding(toLength: width, withPad: " ", startingAt: 0) + "  \(row.figure) \(row.unit)")
        }
    }

    func write(to path: String) throws {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(rows).write(to: url)
        Swift.print("\nwritten to \(path)")
    }
}

extension BenchReport.Row {
    init(_ what: String, _ value: Double, _ unit: String, digits: Int = 0) {
        self.init(what: what, figure: String(format: "%.\(digits)f", value), value: value, unit: unit)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
