import ArgumentParser
import CloudEvents
import Domain
import Foundation
import Kafka
import WorkerRuntime

extension DeadLetters {
    /// Which dead letters are meant.
    struct Choice: ParsableArguments {
        @Argument(help: "The topic whose dead letters are meant, without the prefix, such as deployment.requests.")
        var topic: String
        @Option(parsing: .unconditional, help: "Only with this Kafka key.")
        var key: String?
        @Option(help: "Only for the reason with this code.")
        var code: String?
        @Option(help: "Only those of the last so many hours.")
        var hours: Int?
        @Option(help: "Only from this offset or time on, such as 120 or 2026-01-31T12:00:00Z.")
        var from: DeadLetterBound?
        @Option(help: "Only up to this offset or time, with it.")
        var to: DeadLetterBound?

        /// In words, for the audit log.
        var words: String {
            let parts = [
                key.map { "key \($0)" }, code.map { "code \($0)" }, hours.map { "the last \($0) hours" },
                from.map { "from \($0)" }, to.map { "to \($0)" },
            ]
            return parts.compactMap(\.self).joined(separator: ", ")
        }

        /// Refuses a topic that there is none of: it would look like one without dead letters.
        ///
        /// Topics of trusted requests are known to the worker's settings and to the broker.
        private func requireTopic(_ name: String, _ connection: ConnectionOptions) throws {
            let admin = try KafkaAdmin(try connection.kafka())
            defer { admin.close() }
            guard try admin.metadata(timeout: .seconds(15)).topic(name) == nil else { return }
            guard !Topics.withDeadLetters.contains(topic) else {
                throw StartError(
                    "The broker has no topic '\(name)'; 'slipway topics apply' makes it. Does SLIPWAY_TOPIC_PREFIX say what "
                        + "the fleet's topics begin with?"
                )
            }
            throw ValidationError(
                "There is no topic '\(name)'; dead letters have \(Topics.withDeadLetters.joined(separator: ", ")), and topics of trusted requests."
            )
        }

        /// Hands the dead letters that are meant on, in the order in which they were written, as long as more are wanted.
        ///
        /// - Parameters:
        ///   - first: The offset before which none is wanted.
        ///   - take: Takes one; returns whether more are wanted.
        func read(
            _ connection: ConnectionOptions,
            from first: Int64? = nil,
            _ take: (DeadLetterMessage) throws -> Bool
        ) throws {
            let name = connection.settings.topicPrefix + topic + ".dlt"
            try requireTopic(name, connection)
            if let hours, !(1...87_600).contains(hours) {
                throw ValidationError("--hours is \(hours); it should be from 1 to 87600.")
            }
            let reader = try KafkaReader(try connection.kafka())
            defer { reader.close() }
            var start = first ?? 0
            if case .offset(let offset)? = from { start = max(start, offset) }
            try reader.read(name, from: start)
            let since = hours.map { Int64((Date().timeIntervalSince1970 - Double($0) * 3600) * 1000) }
            while !reader.isAtEnd {
                guard let message = try reader.next(timeout: .seconds(5)) else { continue }
                let letter = DeadLetterMessage(message, topic: topic)
                guard isMeant(letter, since: since) else { continue }
                guard try take(letter) else { return }
            }
        }

        private func isMeant(_ letter: DeadLetterMessage, since: Int64?) -> Bool {
            guard key == nil || key == letter.key, code == nil || code == letter.code else { return false }
            if let since, letter.milliseconds < since { return false }
            if let from, letter.position(as: from) < from.number { return false }
            if let to, letter.position(as: to) > to.number { return false }
            return true
        }
    }
}

/// Where a choice of dead letters begins or ends.
enum DeadLetterBound: ExpressibleByArgument, CustomStringConvertible {
    case offset(Int64)
    case time(milliseconds: Int64)

    init?(argument: String) {
        if let offset = Int64(argument) {
            self = .offset(offset)
        } else if let time = RFC3339.parse(argument) {
            self = .time(milliseconds: time / 1000)
        } else {
            return nil
        }
    }

    /// The offset, or milliseconds since 1970.
    var number: Int64 {
        switch self {
        case .offset(let number), .time(let number): number
        }
    }

    var description: String {
        switch self {
        case .offset(let offset): "offset \(offset)"
        case .time(let milliseconds): RFC3339.format(microseconds: milliseconds * 1000)
        }
    }
}

extension DeadLetterMessage {
    /// When it was written, milliseconds since 1970.
    var milliseconds: Int64 { message.timestamp.millisecondsSince1970 }

    /// What a bound of that kind compares.
    fileprivate func position(as bound: DeadLetterBound) -> Int64 {
        if case .offset = bound { message.offset } else { milliseconds }
    }
}
