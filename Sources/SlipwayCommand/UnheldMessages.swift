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
            found = try Self.count(connection, database).map(Self.sentence)
        } catch {
            found = ["Nobody can say whether the brokers hold everything since the back-up: \(error)"]
        }
        sentences = found
    }

    private struct Loss {
        let topic: String
        var partitions = 0
        var messages: Int64 = 0
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
            guard let marks = Lag.watermarks(of: place, metadata, reader) else { continue }
            let missing = marks.low - (try claim.int64(2))
            guard missing > 0 else { continue }
            losses[topic, default: Loss(topic: topic)].partitions += 1
            losses[topic]?.messages += missing
        }
        return losses.values.sorted { $0.topic < $1.topic }
    }

    private static func sentence(_ loss: Loss) -> String {
        let isTold = ["agent.", "resource."].contains { loss.topic.hasPrefix($0) }
        let places = "\(loss.partitions) partition\(loss.partitions == 1 ? "" : "s")"
        let meaning =
            isTold
            ? "agents tell anew how things stand." : "it will not know what they said; is there a newer back-up?"
        return "The brokers no longer hold \(loss.messages) messages of '\(loss.topic)' in \(places) that this "
            + "database has not consumed: \(meaning)"
    }
}
