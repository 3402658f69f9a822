import ArgumentParser
import FleetCheck
import Foundation
import Kafka
import Postgres

struct Judge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether the invariants held.",
        discussion: """
            Exit codes: 0 everything held, and every rare situation was seen; 1 an invariant is broken; 2 all held, but a \
            rare situation was not seen, so that the run proves too little; 3 the record, the messages or the database \
            cannot be read; 64 wrong usage.
            """
    )

    @Option(help: "The record of the run: JSON lines.")
    var record: String
    @Option(help: "What 'observe' wrote. Without it the topics are read now, from their beginning.")
    var messages: String?
    @Option(help: "The folder with the files in which simulated clusters are kept. Without it effects are not judged.")
    var clusters: String?
    @Option(help: "The Kafka brokers; needed without --messages.")
    var kafkaBrokers: String?
    @Option(help: "The database, as a libpq URL.")
    var databaseUrl: String
    @Option(help: "What the names of the fleet's topics begin with.")
    var topicPrefix = "slipway."
    @Option(help: "How many violations of one invariant are told.")
    var most = 20
    @Flag(help: "The run played chosen faults only: no rare situation is asked for.")
    var chosenFaults = false
    @Flag(help: "Output for programs.")
    var json = false

    func validate() throws {
        guard messages != nil || kafkaBrokers != nil else {
            throw ValidationError("Either '--messages' or '--kafka-brokers' should be given.")
        }
    }

    func run() throws {
        let verdict: Verdict
        do {
            verdict = Verdict(try history())
        } catch {
            print("The run cannot be judged: \(error)")
            throw ExitCode(3)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(verdict), as: UTF8.self))
        } else {
            show(verdict)
        }
        throw ExitCode(verdict.exitCode == 2 && chosenFaults ? 0 : verdict.exitCode)
    }

    private func history() throws -> History {
        let lines = try readLines(RecordLine.self, of: record)
        let connection = try PostgresConnection(PostgresConfiguration(url: databaseUrl))
        defer { connection.close() }
        let database = try DatabaseReader(connection, prefix: topicPrefix).read()
        return History(
            record: lines,
            messages: try seen(),
            database: database,
            clusters: try clusters.map(KeptCluster.read) ?? []
        )
    }

    private func seen() throws -> [SeenMessage] {
        if let messages { return try readLines(SeenMessage.self, of: messages) }
        let path = NSTemporaryDirectory() + "slipway-check-\(ProcessInfo.processInfo.processIdentifier).jsonl"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let settings = KafkaSettings(bootstrapServers: kafkaBrokers ?? "")
        try TopicObserver(settings, prefix: topicPrefix, path: path).run { true }
        return try readLines(SeenMessage.self, of: path)
    }

    private func show(_ verdict: Verdict) {
        for invariant in Invariant.allCases {
            let broken = verdict.violations.filter { $0.invariant == invariant }
            let word = broken.isEmpty ? "holds " : "broken"
            print("\(word)  \(invariant.rawValue)  \(invariant.sentence)")
            for violation in broken.prefix(most) { print("            \(violation.subject): \(violation.says)") }
            if broken.count > most { print("            and \(broken.count - most) more") }
        }
        print("")
        for situation in Situation.allCases {
            let count = verdict.seen[situation, default: 0]
            print("\(count == 0 ? "never " : "seen  ")  \(count == 0 ? "" : "\(count) times: ")\(situation.sentence)")
        }
        if !verdict.missing.isEmpty, verdict.violations.isEmpty, !chosenFaults {
            print("\nThe run proves too little: something was not seen that must have been.")
        }
    }
}
