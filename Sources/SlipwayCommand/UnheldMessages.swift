import Kafka
import Postgres
import WorkerRuntime

/// What a database that was put back has still to consume, and the brokers do not hold any more.
struct UnheldMessages {
    /// For people, a sentence a topic; empty where everything is there.
    let sentences: [String]

    /// Asks the brokers; that they cannot be asked is a sentence, too.
    init(of connection: ConnectionOptions, _ database: PostgresConnection) {
        let found: [String]
        do {
            found = try Self.count(connection, database).flatMap(Self.sentences)
        } catch {
            found = ["Nobody can say whether the brokers hold everything since the back-up: \(error)"]
        }
        sentences = found
    }

    private struct Loss {
        let topic: String
        var partitions = 0
        var messages: Int64 = 0
        /// Of which nobody can say anything: the topic is gone, or nobody leads them.
        var unknown = 0
        /// That end before where the database stands: the topic was made anew.
        var shorter = 0
    }

    private static func count(_ connection: ConnectionOptions, _ database: PostgresConnection) throws -> [Loss] {
        let settings = try connection.kafka()
        let admin = try KafkaAdmin(settings)
        defer { admin.close() }
        let metadata = try admin.metadata(timeout: .seconds(5))
        let reader = try KafkaConsumer(settings, group: "slipway-recover", topics: [])
        defer { _ = reader.close(deadline: .seconds(2)) }
        let prefix = connection.settings.topicPrefix
        var losses: [String: Loss] = [:]
        for claim in try database.query("select topic, partition, next_offset from partition_claim") {
            let topic = try claim.string(0)
            let place = KafkaTopicPartition(topic: prefix + topic, partition: try claim.int32(1))
            var loss = losses[topic] ?? Loss(topic: topic)
            if let marks = Lag.watermarks(of: place, metadata, reader) {
                let next = try claim.int64(2)
                if marks.high < next { loss.shorter += 1 }
                if marks.low > next {
                    (loss.partitions, loss.messages) = (loss.partitions + 1, loss.messages + marks.low - next)
                }
            } else {
                loss.unknown += 1
            }
            losses[topic] = loss
        }
        return losses.values.sorted { $0.topic < $1.topic }
    }

    private static func sentences(_ loss: Loss) -> [String] {
        func places(_ count: Int) -> String { "\(count) partition\(count == 1 ? "" : "s")" }
        let isTold = ["agent.status", "resource."].contains { loss.topic.hasPrefix($0) }
        let meaning =
            isTold
            ? "agents tell anew how things stand." : "it will not know what they said; is there a newer back-up?"
        var sentences: [String] = []
        if loss.partitions > 0 {
            sentences.append(
                "The brokers no longer hold \(loss.messages) messages of '\(loss.topic)' in \(places(loss.partitions)) that "
                    + "this database has not consumed: \(meaning)"
            )
        }
        if loss.shorter > 0 {
            sentences.append(
                "\(places(loss.shorter)) of '\(loss.topic)' end before where this database stands: the topic was made anew, "
                    + "and what it held before is not there; \(meaning)"
            )
        }
        if loss.unknown > 0 {
            sentences.append(
                "Nobody can say what the brokers hold of \(places(loss.unknown)) of '\(loss.topic)': it is not there, or nobody "
                    + "leads it."
            )
        }
        return sentences
    }
}
