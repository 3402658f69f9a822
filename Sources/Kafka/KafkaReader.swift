/// Reads whole topics without joining a group: for tools that look, and leave no trace. One thread uses it.
public final class KafkaReader {
    private let consumer: KafkaConsumer
    private let settings: KafkaSettings
    private var known: Set<KafkaTopicPartition> = []

    /// Makes a reader that has no topic yet.
    public init(_ settings: KafkaSettings) throws(KafkaError) {
        var settings = settings
        settings.properties["partition.assignment.strategy"] = "range"
        settings.properties["group.instance.id"] = nil
        self.settings = settings
        consumer = try KafkaConsumer(settings, group: "slipway-reader", topics: [])
    }

    /// Reads these topics too, each partition from its oldest message or from its end.
    ///
    /// Blocks while it asks the cluster for partitions and offsets. A topic that does not exist is left out.
    public func read(_ topics: [String], fromBeginning: Bool, timeout: Duration = .seconds(10)) throws(KafkaError) {
        let admin = try KafkaAdmin(settings)
        defer { admin.close() }
        let metadata = try admin.metadata(timeout: timeout)
        var positions: [KafkaPosition] = []
        for name in topics {
            guard let topic = metadata.topic(name) else { continue }
            for partition in 0..<Int32(topic.partitionCount) {
                let place = KafkaTopicPartition(topic: name, partition: partition)
                guard known.insert(place).inserted else { continue }
                let marks = try consumer.watermarks(of: place, timeout: timeout)
                positions.append(KafkaPosition(place, offset: fromBeginning ? marks.low : marks.high))
            }
        }
        try consumer.assign(held + positions)
        held += positions
    }

    private var held: [KafkaPosition] = []

    /// Waits for the next message; `nil` when none came in time.
    public func next(timeout: Duration) throws(KafkaError) -> KafkaMessage? {
        let end = ContinuousClock.now + timeout
        repeat {
            guard case .message(let message)? = try consumer.poll(timeout: max(.zero, end - .now)) else { continue }
            if let index = held.firstIndex(where: { $0.topicPartition == message.topicPartition }) {
                held[index].offset = message.offset + 1
            }
            return message
        } while ContinuousClock.now < end
        return nil
    }

    /// Frees the client.
    public func close() {
        _ = consumer.close(deadline: .seconds(2))
    }
}
