import ArgumentParser
import Foundation
import Kafka
import Postgres
import WorkerRuntime

struct Lag: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how many messages wait for each worker: the broker's newest offsets against the database's."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    struct Row: Encodable {
        let group: String
        let topic: String
        var partitions = 0
        /// Of those partitions that can be told of.
        var waiting: Int64 = 0
        /// Partitions that nobody can tell of now: not there any more, or without a leader.
        var unknownPartitions = 0
        var consumedUntil: String

        /// For people: with a question mark where there may be more.
        var waitingText: String {
            guard unknownPartitions > 0 else { return "\(waiting)" }
            return unknownPartitions == partitions ? "?" : "\(waiting) + ?"
        }
    }

    func run() throws {
        let database = try connection.connect()
        defer { database.close() }
        let settings = try connection.kafka()
        let admin = try KafkaAdmin(settings)
        defer { admin.close() }
        let metadata = try admin.metadata(timeout: .seconds(15))
        let reader = try KafkaConsumer(settings, group: "slipway-lag", topics: [])
        let claims = try database.query(
            """
            select consumer_group, topic, partition, next_offset, \(Instant.text("consumed_until"))
            from partition_claim order by 1, 2, 3
            """
        )
        let prefix = connection.settings.topicPrefix
        var rows: [String: Row] = [:]
        for claim in claims {
            let (group, topic) = (try claim.string(0), try claim.string(1))
            let place = KafkaTopicPartition(topic: prefix + topic, partition: try claim.int32(2))
            let until = try claim.optionalString(4) ?? "-"
            var row = rows[group + topic] ?? Row(group: group, topic: topic, consumedUntil: until)
            row.partitions += 1
            if let marks = Self.watermarks(of: place, metadata, reader) {
                row.waiting += max(0, marks.high - (try claim.int64(3)))
            } else {
                row.unknownPartitions += 1
            }
            row.consumedUntil = min(row.consumedUntil, until)
            rows[group + topic] = row
        }
        _ = reader.close(deadline: .seconds(2))
        let sorted = rows.values.sorted { ($0.group, $0.topic) < ($1.group, $1.topic) }
        if output.json { return try printJSON(sorted) }
        Terminal().table(
            ["GROUP", "TOPIC", "PARTITIONS", "WAITING", "CONSUMED UNTIL"],
            sorted.map { [$0.group, $0.topic, "\($0.partitions)", $0.waitingText, $0.consumedUntil] }
        )
    }

    /// Where a partition begins and ends; `nil` where there is none, or nobody who leads it answers.
    static func watermarks(
        of place: KafkaTopicPartition,
        _ metadata: KafkaMetadata,
        _ reader: KafkaConsumer
    ) -> KafkaWatermarks? {
        guard let topic = metadata.topic(place.topic), place.partition < topic.partitionCount,
            !topic.partitionsWithoutLeader.contains(place.partition)
        else { return nil }
        return try? reader.watermarks(of: place, timeout: .seconds(5))
    }
}
