import Kafka

/// A consumer that answers rebalances as told and remembers what it saw.
final class Reader {
    let consumer: KafkaConsumer
    /// Where a newly assigned partition begins.
    var start: (KafkaTopicPartition) -> Int64 = { _ in KafkaPosition.beginning }
    private(set) var messages: [KafkaMessage] = []
    private(set) var ends: [KafkaPosition] = []
    private(set) var failures: [KafkaError] = []
    private(set) var revocations: [(partitions: [KafkaTopicPartition], isLost: Bool)] = []
    /// How many rebalances brought partitions.
    private(set) var assignments = 0

    init(_ consumer: KafkaConsumer) {
        self.consumer = consumer
    }

    var values: [String] { messages.map { String(decoding: $0.valueBytes ?? [], as: UTF8.self) } }

    /// Polls once and answers what came.
    func step(_ timeout: Duration = .milliseconds(20)) throws {
        switch try consumer.poll(timeout: timeout) {
        case .message(let message): messages.append(message)
        case .assigned(let partitions):
            assignments += 1
            try consumer.assign(partitions.map { KafkaPosition($0, offset: start($0)) })
        case .revoked(let partitions, let isLost):
            revocations.append((partitions, isLost))
            try consumer.release(partitions)
        case .endOfPartition(let position): ends.append(position)
        case .failure(let error): failures.append(error)
        case nil: break
        }
    }

    /// Polls until the condition holds.
    func read(_ what: String, limit: Duration = .seconds(20), until isDone: (Reader) -> Bool) throws {
        _ = try waitFor(what, limit: limit) { () -> Bool? in
            if isDone(self) { return true }
            try self.step()
            return nil
        }
    }

    /// Polls until that many messages have come.
    func read(_ count: Int) throws {
        try read("\(count) messages") { $0.messages.count >= count }
    }
}
