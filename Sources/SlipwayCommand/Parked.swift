import ArgumentParser
import Domain
import Foundation
import Postgres
import WorkerRuntime

struct Parked: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Keys whose messages wait behind one that failed: list them, have them tried at once, give messages up.",
        subcommands: [List.self, Retry.self, Drop.self],
        defaultSubcommand: List.self
    )

    struct Choice: ParsableArguments {
        @Option(help: "Only this topic, without the prefix.")
        var topic: String?
        @Option(parsing: .unconditional, help: "Only this Kafka key.")
        var key: String?
        @Option(help: "Only keys whose head failed for the reason with this code.")
        var code: String?

        var filter: ParkedDesk.Filter { ParkedDesk.Filter(topic: topic, key: key, code: code) }
        /// In words, for the audit log.
        var words: String {
            let parts = [topic.map { "topic \($0)" }, key.map { "key \($0)" }, code.map { "code \($0)" }].compactMap {
                $0
            }
            return parts.isEmpty ? "all" : parts.joined(separator: ", ")
        }
    }

    private struct Line: Encodable {
        let topic: String
        let key: String
        let messages: Int
        let attempts: Int
        let since: String
        let due: String
        let code: String
        let reason: String
        let dropped: Int

        init(_ key: ParkedDesk.Key) {
            topic = key.topic
            self.key = String(decoding: key.key, as: UTF8.self)
            messages = key.messages
            attempts = key.attempts
            since = Parked.time(key.parkedAt)
            due = Parked.time(key.due)
            code = key.reason.code
            reason = key.reason.sentence
            dropped = key.dropped
        }
    }

    static func time(_ microseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000).formatted(.iso8601)
    }

    private static func show(_ keys: [ParkedDesk.Key], _ terminal: Terminal) {
        terminal.table(
            ["TOPIC", "KEY", "MESSAGES", "TRIES", "SINCE", "NEXT TRY", "REASON"],
            keys.map(Line.init).map {
                let reason = $0.dropped > 0 ? "given up" : "\($0.code): \($0.reason)"
                return [$0.topic, $0.key, "\($0.messages)", "\($0.attempts)", $0.since, $0.due, reason]
            }
        )
        if keys.isEmpty { terminal.line("no key waits") }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the keys that wait, and why.")
        @OptionGroup var choice: Choice
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let keys = try ParkedDesk(database).keys(choice.filter)
            if output.json { return try printJSON(keys.map(Line.init)) }
            Parked.show(keys, Terminal())
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have the keys tried at once, by the lane that owns them, in their order."
        )
        @OptionGroup var choice: Choice
        @Flag(help: "Only show which keys are meant.")
        var dryRun = false
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let desk = ParkedDesk(database)
            if dryRun { return Parked.show(try desk.keys(choice.filter), Terminal()) }
            let act = AuditEntry(act: "parked.retry", subject: choice.words, "keys")
            let count = try database.audited(act) { (transaction: borrowing PostgresTransaction) in
                try desk.retry(choice.filter, in: transaction)
            }
            print("\(count) keys are tried at once")
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Give the first waiting message of the keys up: it goes to the dead letters, the next one is tried.",
            discussion: "A request is answered as rejected. 'slipway dlt replay' sends a dead letter in again."
        )
        @OptionGroup var choice: Choice
        @Flag(help: "Every waiting message of the keys, not the first alone.")
        var all = false
        @Flag(help: "Only show which keys are meant.")
        var dryRun = false
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard choice.key != nil || choice.code != nil || choice.topic != nil else {
                throw ValidationError("Say which: --topic, --key or --code; nothing is given up without one.")
            }
        }

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let desk = ParkedDesk(database)
            if dryRun { return Parked.show(try desk.keys(choice.filter), Terminal()) }
            let act = AuditEntry(act: "parked.drop", subject: choice.words, all ? "all messages" : "first messages")
            let count = try database.audited(act) { (transaction: borrowing PostgresTransaction) in
                try desk.drop(choice.filter, all: all, in: transaction)
            }
            print("\(count) messages are given up")
        }
    }
}
