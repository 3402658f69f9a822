import ArgumentParser
import Domain
import Kafka
import Postgres
import WorkerRuntime

extension DeadLetters {
    struct Replay: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send dead letters in again, in the order in which they first came.",
            discussion: """
                What was done already is not done again: the inbox knows it by its sender and id, agents' messages by their
                numbers. What was sent in again before is left out, unless --again is given; where it failed again, that is
                another dead letter. A token is never kept, so requests are sent in as the one whose token is given.
                """
        )
        @OptionGroup var choice: Choice
        @Option(help: "Only the dead letter at this offset.")
        var offset: Int64?
        @Flag(help: "Also what was sent in again before.")
        var again = false
        @Flag(help: "Only show which would be sent.")
        var dryRun = false
        @Option(help: "A file with the token for requests; SLIPWAY_TOKEN holds the token itself.")
        var tokenFile: String?
        @OptionGroup var connection: ConnectionOptions

        /// The most letters that are sent before it is written down that they were.
        private static let chunk = 500

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let (letters, left) = try chosen(database)
            let leftOut = left > 0 ? "; \(left) were sent in before and are left out" : ""
            if let cut = letters.first(where: \.isCut) {
                throw ValidationError(
                    "The dead letter at offset \(cut.line.offset) was too large and was cut, so it cannot be sent in again."
                )
            }
            if dryRun {
                for letter in letters {
                    print(Terminal.plain("\(letter.line.type) \(letter.line.id) with key \(letter.key)"))
                }
                return print("\(letters.count) dead letters would be sent in again\(leftOut)")
            }
            let token = try Send.token(tokenFile, connection.settings)
            if choice.topic == "deployment.requests", token == nil, !letters.isEmpty {
                throw ValidationError("Requests need a token: --token-file or SLIPWAY_TOKEN.")
            }
            if !letters.isEmpty { try audited(letters, token: token, database) }
            print("\(letters.count) dead letters were sent in again\(leftOut)")
        }

        /// What is to be sent, in its first order, and how many were sent in before.
        ///
        /// A letter that a relay published twice counts once.
        private func chosen(_ database: PostgresConnection) throws -> (letters: [DeadLetterMessage], left: Int) {
            var letters: [DeadLetterMessage] = []
            try choice.read(connection, from: offset) { letter in
                if offset == nil || letter.message.offset == offset { letters.append(letter) }
                return offset == nil || letters.isEmpty
            }
            var seen: Set<ReplayedLetters.Place> = []
            letters = letters.filter { seen.insert($0.place).inserted }
            let known = again ? [] : try ReplayedLetters.known(of: choice.topic, on: database)
            let count = letters.count
            letters.removeAll { known.contains($0.place) }
            letters.sort { ($0.place.partition, $0.place.offset) < ($1.place.partition, $1.place.offset) }
            return (letters, count - letters.count)
        }

        /// Sends letters in; what is meant is in the audit log before, and what came of it after.
        private func audited(_ letters: [DeadLetterMessage], token: String?, _ database: PostgresConnection) throws {
            func write(_ outcome: String, _ count: Int) throws {
                let offsets = letters.map(\.line.offset)
                let filter = choice.words.isEmpty ? "" : "; \(choice.words)"
                let subject =
                    "\(count) of \(choice.topic), offsets \(offsets.min() ?? 0) to \(offsets.max() ?? 0)"
                    + (again ? ", again" : "") + filter
                let act = AuditEntry(act: "dlt.replay", subject: subject, "dead letters", outcome: outcome)
                try AuditLog.write(act, on: database)
            }
            try write("begun", letters.count)
            var count = 0
            do {
                try send(letters, token: token, database) { count += $0 }
            } catch {
                try? write("failed", count)
                throw StartError("\(count) of \(letters.count) dead letters were sent in again, then: \(error)")
            }
            try write("done", count)
        }

        /// Sends letters in, and remembers each that has arrived, also of a replay that fails.
        private func send(
            _ letters: [DeadLetterMessage],
            token: String?,
            _ database: PostgresConnection,
            arrived: (Int) -> Void
        ) throws {
            let producer = try KafkaProducer(try connection.kafka())
            defer { producer.close() }
            let topic = connection.settings.topicPrefix + choice.topic
            for start in stride(from: 0, to: letters.count, by: Self.chunk) {
                let chunk = letters[start..<min(start + Self.chunk, letters.count)]
                var arrivals = Arrivals()
                do {
                    for (index, letter) in zip(chunk.indices, chunk) where arrivals.failure == nil {
                        try arrivals.send(letter.record(to: topic, token: token), tag: UInt64(index), with: producer)
                    }
                    arrivals.take(try producer.flush(timeout: .seconds(60)))
                } catch {
                    arrivals.take(producer.poll(timeout: .zero))
                    if arrivals.failure == nil { arrivals.failure = error }
                }
                arrived(arrivals.tags.count)
                let places = arrivals.tags.map { letters[Int($0)].place }
                try ReplayedLetters.remember(places, of: choice.topic, on: database)
                if let failure = arrivals.failure { throw failure }
            }
        }
    }

    /// What the broker has taken of a replay, in order, until something failed.
    private struct Arrivals {
        private(set) var tags: [UInt64] = []
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
                    tags.append(delivery.tag)
                    continue
                }
                if failure == nil { failure = error }
            }
        }
    }
}
