import Kafka
import Logging

/// Reads a cluster's command topic from the lowest command that is not finished, and tells when the end is reached.
///
/// It joins no consumer group, only keeps its place in one's offsets. A group would give the topic to one agent and keep
/// it from another: one that sleeps or was killed would hold up the agent that takes over, and one that the group left out
/// would never read that it is to stop. Who may act, the fleet says: see `welcomed` and `superseded`.
final class CommandConsumer {
    private let configuration: AgentConfiguration
    private let health: AgentHealth
    private let reader: CommandReader
    private let consumer: KafkaConsumer
    private let topic: String
    private var places = CommandPlaces()
    /// Partitions whose end was not reached since they were assigned.
    private var behind: Set<KafkaTopicPartition> = []
    private var nextLook = ContinuousClock.now
    private var warning: String?

    /// How long after one look for partitions the next one is due: while there is none, and when some are read.
    private static let (lookPeriod, calmLookPeriod) = (Duration.seconds(1), Duration.seconds(60))

    /// What a poll brought.
    enum Event {
        case command(AgentCommand)
        /// Every partition was read to its end.
        case caughtUp
        /// A message that is not followed.
        case refused
    }

    init(_ configuration: AgentConfiguration, health: AgentHealth) throws(KafkaError) {
        self.configuration = configuration
        self.health = health
        topic = configuration.topicPrefix + configuration.commandTopic
        reader = CommandReader(keys: configuration.keys, topic: configuration.commandTopic)
        consumer = try KafkaConsumer(configuration.kafka, group: configuration.group, topics: [])
    }

    /// Waits for the next event, at most the timeout; `nil` when there was none that concerns the session.
    ///
    /// Blocks longer when it is time to look for partitions and the broker does not answer: at most 2 seconds for the
    /// topic, and 5 for each question about a place in it.
    /// - Throws: What only a new consumer can mend: an offset or a topic that is not there any more.
    func poll(timeout: Duration) throws(KafkaError) -> Event? {
        if ContinuousClock.now >= nextLook { look() }
        let event = try consumer.poll(timeout: timeout)
        switch event {
        case .message, .endOfPartition: health.brokerAnswered()
        case .failure(let error) where error.code == .allBrokersDown: health.brokerIsAway()
        case .assigned, .revoked, .failure, nil: break
        }
        switch event {
        case .message(let message): return command(in: message)
        case .endOfPartition(let position): return reachedEnd(of: position.topicPartition)
        case .failure(let error):
            guard !error.isFatal, !Self.needsNewConsumer.contains(error.code) else { throw error }
            configuration.logger.warning("commands cannot be read now: \(error)")
        case .assigned, .revoked, nil: break
        }
        return nil
    }

    private static let needsNewConsumer: Set<KafkaError.Code> = [
        .offsetReset, .unknownTopic, .unknownPartition, .unknownTopicOrPartition,
    ]

    /// Notes that commands are done with.
    func finish(_ done: [CommandPlace]) {
        for place in done { places.finish(place) }
    }

    /// Stores the place of the lowest command that is not finished.
    func store(wait: Bool) {
        do throws(KafkaError) {
            let moved = places.takeMoved()
            guard !moved.isEmpty || wait else { return }
            try consumer.storeOffsets(
                moved.map { place in
                    KafkaPosition(KafkaTopicPartition(topic: topic, partition: place.partition), offset: place.offset)
                }
            )
            try consumer.commit(wait: wait)
        } catch {
            // Nothing is lost: commands that come again are done once.
            configuration.logger.warning("the place in the command topic was not stored: \(error)")
        }
    }

    func close() {
        guard !consumer.close(deadline: .seconds(5)) else { return }
        configuration.logger.warning("the consumer was not closed in time")
    }

    private func command(in message: KafkaMessage) -> Event? {
        let place = CommandPlace(partition: message.partition, offset: message.offset)
        places.begin(place)
        do throws(CommandReader.Refusal) {
            if let command = try reader.read(message) { return .command(command) }
            configuration.logger.warning("a command of an unknown type was passed over", metadata: Self.place(place))
        } catch {
            configuration.logger.error("a command was refused: \(error.sentence)", metadata: Self.place(place))
            places.finish(place)
            return .refused
        }
        places.finish(place)
        return nil
    }

    private func reachedEnd(of partition: KafkaTopicPartition) -> Event? {
        behind.remove(partition)
        return behind.isEmpty ? .caughtUp : nil
    }

    /// Reads those partitions of the topic that it does not read yet; the topic may be made after the agent was started.
    ///
    /// Begins where the stored place is, or at the oldest command where there is none or it is not there any more.
    private func look() {
        do throws(KafkaError) {
            let read = Set(consumer.assignment)
            let new = try consumer.partitions(of: topic, timeout: .seconds(2)).filter { !read.contains($0) }
            if !new.isEmpty {
                let stored = try consumer.committed(new, timeout: .seconds(5))
                let offsets = Dictionary(stored.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { $1 })
                var positions: [KafkaPosition] = []
                for partition in new { positions.append(try start(of: partition, stored: offsets[partition])) }
                try consumer.assign(positions)
                behind.formUnion(new)
                health.brokerAnswered()
                warning = nil
            } else if read.isEmpty {
                warn("the topic '\(topic)' is not there yet; is the cluster registered?")
            }
        } catch {
            warn("the command topic cannot be read yet: \(error)")
        }
        nextLook = .now + (consumer.assignment.isEmpty ? Self.lookPeriod : Self.calmLookPeriod)
    }

    /// Says something once, as long as nothing else is to be said.
    private func warn(_ sentence: String) {
        if sentence != warning { configuration.logger.warning("\(sentence)") }
        warning = sentence
    }

    private func start(of partition: KafkaTopicPartition, stored: Int64?) throws(KafkaError) -> KafkaPosition {
        guard let stored else { return KafkaPosition(partition, offset: KafkaPosition.beginning) }
        let marks = try consumer.watermarks(of: partition, timeout: .seconds(5))
        guard (marks.low...max(marks.low, marks.high)).contains(stored) else {
            configuration.logger.error(
                "the stored place \(stored) is not in \(partition) any more; reading from the oldest command"
            )
            return KafkaPosition(partition, offset: KafkaPosition.beginning)
        }
        return KafkaPosition(partition, offset: stored)
    }

    private static func place(_ place: CommandPlace) -> Logger.Metadata {
        ["partition": "\(place.partition)", "offset": "\(place.offset)"]
    }
}
