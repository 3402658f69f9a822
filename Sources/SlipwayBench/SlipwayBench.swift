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

    @Option(help: "Only these parts: decode, security, ceiling, throughput, latency (separated by commas).")
    var only: String?

    private func wants(_ part: String) -> Bool {
        only.map { $0.split(separator: ",").contains(Substring(part)) } ?? true
    }

    func validate() throws {
        let known = ["decode", "security", "ceiling", "throughput", "latency"]
        for part in only?.split(separator: ",") ?? [] where !known.contains(String(part)) {
            throw ValidationError("--only: '\(part)' is not a part; the parts are \(known.joined(separator: ", ")).")
        }
    }

    func run() throws {
        let count = messages ?? (quick ? 60_000 : 150_000)
        var report = BenchReport()
        if wants("decode") { report.add(try DecodeBench.run(count: quick ? 200_000 : 1_000_000)) }
        if wants("security") { report.add(try SecurityBench.run(count: quick ? 5_000 : 20_000)) }
        if wants("ceiling") { report.add(try CeilingBench.run(count: count, connections: [1, 2, 4])) }
        for lanes in [1, 2, 4] where wants("throughput") {
            report.add(try ThroughputBench.run(count: count, lanes: lanes))
        }
        if wants("latency") { report.add(try LatencyBench.run(rate: 500, seconds: quick ? 10 : 30)) }
        report.print()
        if only == nil { try report.write(to: output) }
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
