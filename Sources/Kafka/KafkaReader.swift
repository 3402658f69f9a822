/// Reads whole topics without joining a group: for tools that look, and leave no trace.
///
/// One thread uses it.
public final class KafkaReader {
    private let consumer: KafkaConsumer
    private let settings: KafkaSettings
    private var known: Set<KafkaTopicPartition> = []
    private var held: [KafkaPosition] = []
    private var finished: Set<KafkaTopicPartition> = []

    /// Makes a reader that has no topic yet.
    public init(_ settings: KafkaSettings) throws(KafkaError) {
        self.settings = settings
        consumer = try KafkaConsumer(settings, group: "slipway-reader", topics: [])
    }

    /// Reads these topics too, each partition from its oldest message or from its end.
    ///
    /// Blocks while it asks the cluster for partitions and offsets. A topic that does not exist is left out.
    public func read(_ topics: [String], fromBeginning: Bool, timeout: Duration = .seconds(10)) throws(KafkaError) {
        try read(topics, timeout: timeout) { fromBeginning ? $0.low : $0.high }
    }

    /// Reads a topic too, each partition from an offset on; from its nearest one where the broker does not have that.
    ///
    /// Blocks while it asks the cluster for partitions and offsets. A topic that does not exist is left out.
    public func read(_ topic: String, from offset: Int64, timeout: Duration = .seconds(10)) throws(KafkaError) {
        try read([topic], timeout: timeout) { min(max($0.low, offset), $0.high) }
    }

    private func read(
        _ topics: [String],
        timeout: Duration,
        from start: (KafkaWatermarks) -> Int64
    ) throws(KafkaError) {
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
                positions.append(KafkaPosition(place, offset: start(marks)))
            }
        }
        try consumer.assign(held + positions)
        held += positions
    }

    /// Whether every partition was read to its end, as it was when the end was reached.
    public var isAtEnd: Bool { finished.count == known.count }

    /// Waits for the next message; `nil` when none came in time, or as soon as everything was read, see ``isAtEnd``.
    public func next(timeout: Duration) throws(KafkaError) -> KafkaMessage? {
        let end = ContinuousClock.now + timeout
        repeat {
            let event = try consumer.poll(timeout: max(.zero, end - .now))
            if case .endOfPartition(let position)? = event {
                finished.insert(position.topicPartition)
                if isAtEnd { return nil }
            }
            guard case .message(let message)? = event else { continue }
            finished.remove(message.topicPartition)
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
