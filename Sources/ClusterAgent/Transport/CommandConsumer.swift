import Kafka
import Logging

/// Reads a cluster's command topic from the lowest command that is not finished, and tells when the end is reached.
final class CommandConsumer {
    private let configuration: AgentConfiguration
    private let health: AgentHealth
    private let reader: CommandReader
    private let consumer: KafkaConsumer
    private var places = CommandPlaces()
    /// Partitions whose end was not reached since they were assigned.
    private var behind: Set<KafkaTopicPartition> = []
    private var hasPartitions = false
    private var toAssign: [KafkaTopicPartition]?

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
        reader = CommandReader(keys: configuration.keys, topic: configuration.commandTopic)
        var kafka = configuration.kafka
        // The topic may be made after the agent was started; librdkafka looks for new ones every five minutes.
        let refresh = "topic.metadata.refresh.interval.ms"
        kafka.properties[refresh] = kafka.properties[refresh] ?? "5000"
        consumer = try KafkaConsumer(
            kafka,
            group: configuration.group,
            topics: [configuration.topicPrefix + configuration.commandTopic]
        )
    }

    /// Waits for the next event, at most the timeout; `nil` when there was none that concerns the session.
    func poll(timeout: Duration) throws(KafkaError) -> Event? {
        if let partitions = toAssign { assign(partitions) }
        let event = try consumer.poll(timeout: timeout)
        switch event {
        case .message, .endOfPartition, .assigned: health.brokerAnswered()
        case .failure(let error) where error.code == .allBrokersDown: health.brokerIsAway()
        case .revoked, .failure, nil: break
        }
        switch event {
        case .message(let message): return command(in: message)
        case .endOfPartition(let position): return reachedEnd(of: position.topicPartition)
        case .assigned(let partitions): assign(partitions)
        case .revoked(let partitions, let isLost): try release(partitions, isLost: isLost)
        case .failure(let error):
            guard !error.isFatal else { throw error }
            if error.code == .offsetReset { throw error }
            configuration.logger.warning("commands cannot be read now: \(error)")
        case nil: break
        }
        return nil
    }

    /// Notes that commands are done with.
    func finish(_ done: [CommandPlace]) {
        for place in done { places.finish(place) }
    }

    /// Stores the place of the lowest command that is not finished.
    func store(wait: Bool) {
        do throws(KafkaError) {
            let moved = places.takeMoved()
            guard !moved.isEmpty || wait else { return }
            let topic = configuration.topicPrefix + configuration.commandTopic
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
        configuration.logger.warning("the consumer group was not left in time")
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
        return behind.isEmpty && hasPartitions ? .caughtUp : nil
    }

    /// Begins where the group's stored place is, or at the oldest command where there is none or it is not there any more.
    private func assign(_ partitions: [KafkaTopicPartition]) {
        do throws(KafkaError) {
            let stored = try consumer.committed(partitions, timeout: .seconds(5))
            let offsets = Dictionary(stored.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { $1 })
            var positions: [KafkaPosition] = []
            for partition in partitions {
                positions.append(try start(of: partition, stored: offsets[partition]))
            }
            try consumer.assign(positions)
            toAssign = nil
            behind.formUnion(partitions)
            hasPartitions = hasPartitions || !partitions.isEmpty
            if partitions.isEmpty, !hasPartitions {
                configuration.logger.warning(
                    "another agent of the cluster '\(configuration.cluster)' reads its commands; this one waits"
                )
            }
        } catch {
            configuration.logger.warning("the command topic cannot be read yet: \(error)")
            toAssign = partitions
        }
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

    private func release(_ partitions: [KafkaTopicPartition], isLost: Bool) throws(KafkaError) {
        toAssign = nil
        if !isLost { store(wait: true) }
        for partition in partitions {
            behind.remove(partition)
            places.forget(partition.partition)
        }
        try consumer.release(partitions)
        hasPartitions = !consumer.assignment.isEmpty
    }

    private static func place(_ place: CommandPlace) -> Logger.Metadata {
        ["partition": "\(place.partition)", "offset": "\(place.offset)"]
    }
}
