import ArgumentParser
import Domain
import Foundation
import Kafka
import Postgres
import WorkerRuntime

struct DeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlt",
        abstract: "Dead letters: list them, look at one, send them in again.",
        subcommands: [List.self, Show.self, Replay.self],
        defaultSubcommand: List.self
    )

    struct Choice: ParsableArguments {
        @Argument(help: "The topic whose dead letters are meant, without the prefix, such as deployment.requests.")
        var topic: String
        @Option(parsing: .unconditional, help: "Only with this Kafka key.")
        var key: String?
        @Option(help: "Only for the reason with this code.")
        var code: String?
        @Option(help: "Only those of the last so many hours.")
        var hours: Int?

        /// Refuses a topic that there is none of: it would look like one without dead letters.
        ///
        /// Topics of trusted requests are known to the worker's settings and to the broker.
        private func requireTopic(_ name: String, _ connection: ConnectionOptions) throws {
            guard !Topics.withDeadLetters.contains(topic) else { return }
            let admin = try KafkaAdmin(try connection.kafka())
            guard try admin.metadata(timeout: .seconds(15)).topic(name) == nil else { return }
            throw ValidationError(
                "There is no topic '\(name)'; dead letters have \(Topics.withDeadLetters.joined(separator: ", ")), and topics of trusted requests."
            )
        }

        /// The dead letters that are meant, in the order in which they were written.
        func read(_ connection: ConnectionOptions) throws -> [DeadLetterMessage] {
            let name = connection.settings.topicPrefix + topic + ".dlt"
            try requireTopic(name, connection)
            let reader = try KafkaReader(try connection.kafka())
            defer { reader.close() }
            try reader.read([name], fromBeginning: true)
            let since = hours.map { Date().timeIntervalSince1970 * 1000 - Double($0) * 3_600_000 }
            var found: [DeadLetterMessage] = []
            while !reader.isAtEnd {
                guard let message = try reader.next(timeout: .seconds(5)) else { continue }
                let letter = DeadLetterMessage(message, topic: topic)
                guard key == nil || key == letter.key, code == nil || code == letter.code else { continue }
                if let since, Double(message.timestamp.millisecondsSince1970) < since { continue }
                found.append(letter)
            }
            return found
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a topic's dead letters: what, whose, why.")
        @OptionGroup var choice: Choice
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let letters = try choice.read(connection)
            if output.json { return try printJSON(letters.map(\.line)) }
            let terminal = Terminal()
            terminal.table(
                ["OFFSET", "KEY", "TYPE", "ID", "CODE", "REASON"],
                letters.map { ["\($0.line.offset)", $0.key, $0.line.type, $0.line.id, $0.code, $0.line.reason] }
            )
            if letters.isEmpty { terminal.line("there is no such dead letter") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show one dead letter with its headers; its value only when asked for, since it may hold anything."
        )
        @OptionGroup var choice: Choice
        @Option(help: "The offset of the dead letter.")
        var offset: Int64
        @Flag(help: "Print the value too.")
        var value = false
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            guard let letter = try choice.read(connection).first(where: { $0.line.offset == offset }) else {
                throw ValidationError("There is no dead letter at offset \(offset).")
            }
            let terminal = Terminal()
            for header in letter.message.headers {
                let text = header.value.map(DeadLetterMessage.readable) ?? ""
                terminal.line("\(header.name): \(text)")
            }
            terminal.line("value: \(letter.message.valueCount) bytes")
            if value { terminal.line(String(decoding: letter.message.valueBytes ?? [], as: UTF8.self)) }
        }
    }

    struct Replay: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send dead letters in again, in the order in which they first came.",
            discussion: """
                What was done already is not done again: the inbox knows it by its sender and id, agents' messages by their
                numbers. A token is never kept, so requests are sent in as the one whose token is given.
                """
        )
        @OptionGroup var choice: Choice
        @Option(help: "Only the dead letter at this offset.")
        var offset: Int64?
        @Flag(help: "Only show which would be sent.")
        var dryRun = false
        @Option(help: "A file with the token for requests; SLIPWAY_TOKEN holds the token itself.")
        var tokenFile: String?
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            var letters = try choice.read(connection)
            if let offset { letters.removeAll { $0.line.offset != offset } }
            letters.sort { ($0.partition, $0.originalOffset) < ($1.partition, $1.originalOffset) }
            if let cut = letters.first(where: \.isCut) {
                throw ValidationError(
                    "The dead letter at offset \(cut.line.offset) was too large and was cut, so it cannot be sent in again."
                )
            }
            if dryRun {
                for letter in letters { print("\(letter.line.type) \(letter.line.id) with key \(letter.key)") }
                return print("\(letters.count) dead letters would be sent in again")
            }
            let token = try Send.token(tokenFile, connection.settings)
            if choice.topic == "deployment.requests", token == nil, !letters.isEmpty {
                throw ValidationError("Requests need a token: --token-file or SLIPWAY_TOKEN.")
            }
            try send(letters, token: token)
            print("\(letters.count) dead letters were sent in again")
        }

        private func send(_ letters: [DeadLetterMessage], token: String?) throws {
            guard !letters.isEmpty else { return }
            let database = try connection.connect()
            defer { database.close() }
            let producer = try KafkaProducer(try connection.kafka())
            defer { producer.close() }
            let topic = connection.settings.topicPrefix + choice.topic
            var arrivals = Arrivals()
            do {
                for (index, letter) in letters.enumerated() where arrivals.failure == nil {
                    try arrivals.send(letter.record(to: topic, token: token), tag: UInt64(index), with: producer)
                }
                arrivals.take(try producer.flush(timeout: .seconds(60)))
            } catch {
                arrivals.take(producer.poll(timeout: .zero))
                if arrivals.failure == nil { arrivals.failure = error }
            }
            // Also of a replay that failed: what has arrived is handled.
            if arrivals.count > 0 {
                let subject = "\(arrivals.count) of \(choice.topic)"
                try AuditLog.write(AuditEntry(act: "dlt.replay", subject: subject, "dead letters"), on: database)
            }
            guard let failure = arrivals.failure else { return }
            throw StartError("\(arrivals.count) of \(letters.count) dead letters were sent in again, then: \(failure)")
        }
    }

    /// What the broker has taken of a replay, in order, until something failed.
    private struct Arrivals {
        private(set) var count = 0
        var failure: (any Error)?

        /// Sends a message, after room was made for it in the producer's queue.
        mutating func send(_ record: KafkaRecord, tag: UInt64, with producer: KafkaProducer) throws {
            while failure == nil {
                do throws(KafkaError) {
                    return try producer.send(record, tag: tag)
                } catch  where error.isQueueFull {
                    take(producer.poll(timeout: .seconds(1)))
                }
            }
        }

        mutating func take(_ deliveries: [KafkaDelivery]) {
            for delivery in deliveries {
                guard let error = delivery.error else {
                    count += 1
                    continue
                }
                if failure == nil { failure = error }
            }
        }
    }
}

/// A dead letter as the command line reads it.
struct DeadLetterMessage {
    struct Line: Encodable {
        let offset: Int64
        let time: String
        let key: String
        let type: String
        let id: String
        let source: String
        let code: String
        let field: String?
        let reason: String
        let bytes: Int
    }

    let message: KafkaMessage
    let topic: String

    init(_ message: KafkaMessage, topic: String) {
        self.message = message
        self.topic = topic
    }

    var key: String { message.key ?? "" }
    var code: String { message.header("slipway-reason-code") ?? "" }
    var isCut: Bool { message.headers.contains { $0.name.hasPrefix("slipway-truncated-") } }
    /// Where the message first lay.
    var partition: Int64 { message.header("__connect.errors.partition").flatMap { Int64($0) } ?? 0 }
    var originalOffset: Int64 { message.header("__connect.errors.offset").flatMap { Int64($0) } ?? 0 }

    var line: Line {
        Line(
            offset: message.offset,
            time: Parked.time(message.timestamp.millisecondsSince1970 * 1000),
            key: key,
            type: message.header("ce_type") ?? "",
            id: message.header("ce_id") ?? "",
            source: message.header("ce_source") ?? "",
            code: code,
            field: message.header("slipway-reason-field"),
            reason: message.header("__connect.errors.exception.message") ?? "",
            bytes: message.valueCount
        )
    }

    /// The message as it first came, without what was added when it was given up.
    func record(to topic: String, token: String?) -> KafkaRecord {
        let added = ["kafka_dlt-", "__connect.errors.", "slipway-reason-", "slipway-truncated-"]
        var headers = message.headers.filter { header in !added.contains { header.name.hasPrefix($0) } }
        if self.topic == "deployment.requests", let token {
            headers.append(KafkaHeader("authorization", "Bearer \(token)"))
        }
        return KafkaRecord(topic: topic, key: message.keyBytes, value: message.valueBytes, headers: headers)
    }

    /// A header's bytes as text where they are one, as a number where they are bytes of one.
    static func readable(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !text.contains("\0") { return text }
        return String(bytes.reduce(Int64(0)) { $0 << 8 | Int64($1) })
    }
}
