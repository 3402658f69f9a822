import ArgumentParser
import Domain
import Postgres
import WorkerRuntime

/// What can be done about messages that a relay set aside.
extension Stuck {
    struct Choice: ParsableArguments {
        @Option(help: "Only this topic, without the prefix.")
        var topic: String?
        @Option(parsing: .unconditional, help: "Only this Kafka key.")
        var key: String?

        var filter: UndeliveredDesk.Filter { UndeliveredDesk.Filter(topic: topic, key: key) }
        /// In words, for the audit log.
        var words: String {
            let parts = [topic.map { "topic \($0)" }, key.map { "key \($0)" }].compactMap { $0 }
            return parts.isEmpty ? "all" : parts.joined(separator: ", ")
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have messages that were set aside sent again, in their order.",
            discussion: """
                They come behind what was sent since. Of a compacted topic the newest state of each key is published \
                instead. What the broker refuses again is set aside again.
                """
        )
        @OptionGroup var choice: Choice
        @Flag(help: "Only show which messages are meant.")
        var dryRun = false
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let desk = UndeliveredDesk(database)
            if dryRun { return try Stuck.show(choice.filter, of: desk) }
            let act = AuditEntry(act: "stuck.retry", subject: choice.words, "messages")
            let retried = try desk.retry(choice.filter, compacted: Topics.compactedNames) {
                (transaction: borrowing PostgresTransaction) in try AuditLog.write([act], in: transaction)
            }
            print(
                "\(retried.messages) messages are sent again; the newest states are published in place of "
                    + "\(retried.replaced)"
            )
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget messages that were set aside: nobody will receive them."
        )
        @OptionGroup var choice: Choice
        @Flag(help: "Only show which messages are meant.")
        var dryRun = false
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard choice.key != nil || choice.topic != nil else {
                throw ValidationError("Say which: --topic or --key; nothing is forgotten without one.")
            }
        }

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let desk = UndeliveredDesk(database)
            if dryRun { return try Stuck.show(choice.filter, of: desk) }
            let act = AuditEntry(act: "stuck.drop", subject: choice.words, "messages")
            let count = try database.audited(act) { (transaction: borrowing PostgresTransaction) in
                try desk.drop(choice.filter, in: transaction)
            }
            print("\(count) messages are forgotten")
        }
    }

    private static func show(_ filter: UndeliveredDesk.Filter, of desk: UndeliveredDesk) throws {
        let terminal = Terminal()
        terminal.table(
            ["ID", "TOPIC", "KEY", "BYTES", "SINCE", "REASON"],
            try desk.messages(filter, limit: 100).map { message in
                let key = String(decoding: message.key, as: UTF8.self)
                return [
                    "\(message.id)", message.topic, key, "\(message.bytes)", Parked.time(message.failedAt),
                    message.reason,
                ]
            }
        )
        terminal.line("\(try desk.count(filter)) messages are meant")
    }
}
