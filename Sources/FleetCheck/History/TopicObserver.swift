package import Kafka

/// Follows every topic of a fleet from its beginning, and writes down each message in the order of its partition.
///
/// It joins no group and leaves no trace. A broker that keeps only the newest messages must be followed from its start.
package final class TopicObserver {
    private let reader: KafkaReader
    private let settings: KafkaSettings
    private let prefix: String
    private let writer: LineWriter<SeenMessage>
    /// How many messages were written down.
    package private(set) var count = 0

    package init(_ settings: KafkaSettings, prefix: String, path: String) throws {
        self.settings = settings
        self.prefix = prefix
        writer = try LineWriter(path)
        reader = try KafkaReader(settings)
    }

    /// Reads until it is asked to stop, and then on to the end of every partition.
    ///
    /// - Parameter isStopping: Whether nobody sends any more.
    package func run(isStopping: () -> Bool) throws {
        try followTopics()
        while !isStopping() { try take(for: .milliseconds(200)) }
        try followTopics()
        // What is at its end may have more a moment later: twice quiet is the end.
        var quiet = 0
        let limit = ContinuousClock.now + .seconds(60)
        while quiet < 2, ContinuousClock.now < limit {
            quiet = try take(for: .seconds(1)) == 0 && reader.isAtEnd ? quiet + 1 : 0
        }
        reader.close()
        guard quiet == 2 else { throw UnreadableTopics() }
    }

    private func followTopics() throws {
        let admin = try KafkaAdmin(settings)
        defer { admin.close() }
        let topics = try admin.metadata(timeout: .seconds(20)).topics.map(\.name).filter { $0.hasPrefix(prefix) }
        try reader.read(topics, fromBeginning: true, timeout: .seconds(20))
    }

    @discardableResult
    private func take(for time: Duration) throws -> Int {
        let end = ContinuousClock.now + time
        var taken = 0
        while ContinuousClock.now < end {
            guard let message = try reader.next(timeout: .milliseconds(100)) else { continue }
            try writer.write(SeenMessage(message, prefix: prefix))
            taken += 1
        }
        count += taken
        return taken
    }
}

/// Topics whose end was not reached within a minute.
package struct UnreadableTopics: Error, CustomStringConvertible {
    package var description: String { "The topics were not read to their ends within a minute." }
}
