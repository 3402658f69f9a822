import ArgumentParser
import Foundation

@main
struct SlipwayBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway-bench",
        abstract: "Measure the fleet, its peers and the limits of this machine, on the same data in one run.",
        discussion: """
            Parts are measured alternately, one round after the other; figures are medians with the lowest and the \
            highest. \
            Everything runs on this machine: the broker, a durable PostgreSQL, the workers and what loads them.
            """
    )

    @Flag(help: "Fewer messages, one round, and only the parts that take little: under two minutes.")
    var quick = false
    @Option(help: "How many rounds [1 with --quick, otherwise 3].")
    var rounds: Int?
    @Option(help: "Messages of a throughput round.")
    var messages: Int?
    @Option(help: "The folder that latest.md, .json and .svg are written to, with --quick quick.md, .json and .svg.")
    var output = "docs/benchmarks"
    @Option(help: "Another setting of PostgreSQL, as name=value; may be repeated.")
    var postgres: [String] = []
    @Option(help: "Only these parts, separated by commas: \(Part.allCases.map(\.rawValue).joined(separator: ", ")).")
    var only: String?

    @Option(help: ArgumentHelp("Take one path only, for a program that counts instructions.", visibility: .hidden))
    var path: FixedPath?
    @Option(help: .hidden)
    var times = 1000

    private func parts() throws -> [Part] {
        guard let only else { return Part.allCases.filter { !quick || !$0.isLong } }
        return try only.split(separator: ",").map { name in
            guard let part = Part(rawValue: String(name)) else {
                let known = Part.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--only: '\(name)' is not a part; the parts are \(known).")
            }
            return part
        }
    }

    func validate() throws {
        _ = try parts()
        guard (messages ?? 1000) >= 1000 else { throw ValidationError("--messages must be 1000 or more.") }
        for setting in postgres where setting.split(separator: "=", maxSplits: 1).count != 2 {
            throw ValidationError("--postgres: '\(setting)' should be name=value.")
        }
        guard (1...100).contains(rounds ?? 1) else { throw ValidationError("--rounds must be from 1 to 100.") }
    }

    func run() throws {
        if let path { return try path.run(times: times) }
        for setting in postgres {
            let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
            BenchWorld.postgres[parts[0]] = parts[1]
        }
        let measures = try parts().flatMap { $0.measures(quick: quick, messages: messages) }
        var report = BenchReport()
        let began = ContinuousClock.now
        for round in 1...(rounds ?? (quick ? 1 : 3)) {
            for measure in measures where round == 1 || !measure.isOnce { report.take(measure) }
        }
        print("\n" + report.table)
        print("\nmeasured in \(BenchReport.text((ContinuousClock.now - began).seconds, 0)) s")
        if only == nil {
            let name = quick ? "quick" : "latest"
            try report.write(to: output, as: name)
            print("\nwritten to \(output)/\(name).md, \(name).json and \(name).svg")
        }
        if report.hasFailures { throw ExitCode.failure }
    }
}

/// Why this machine cannot measure something; the rest goes on.
struct NotMeasured: Error {
    let sentence: String
}

/// What a round did not bring about; the rest goes on, and the whole ends as failed.
struct RoundFailed: Error, CustomStringConvertible {
    let description: String

    init(_ sentence: String) {
        description = sentence
    }
}
