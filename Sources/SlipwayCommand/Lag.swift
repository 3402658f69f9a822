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
        let partitions: Int
        let waiting: Int64
        let consumedUntil: String
    }

    func run() throws {
        let database = try connection.connect()
        let reader = try KafkaConsumer(try connection.kafka(), group: "slipway-lag", topics: [])
        let claims = try database.query(
            """
            select consumer_group, topic, partition, next_offset, \(Instant.text("consumed_until"))
            from partition_claim order by 1, 2, 3
            """
        )
        let prefix = connection.settings.topicPrefix
        var rows: [String: (group: String, topic: String, partitions: Int, waiting: Int64, until: String)] = [:]
        for claim in claims {
            let (group, topic) = (try claim.string(0), try claim.string(1))
            let place = KafkaTopicPartition(topic: prefix + topic, partition: try claim.int32(2))
            let high = try reader.watermarks(of: place, timeout: .seconds(5)).high
            let until = try claim.optionalString(4) ?? "-"
            var row = rows[group + topic] ?? (group, topic, 0, 0, until)
            row.partitions += 1
            row.waiting += max(0, high - (try claim.int64(3)))
            row.until = min(row.until, until)
            rows[group + topic] = row
        }
        _ = reader.close(deadline: .seconds(2))
        let sorted = rows.values.sorted { ($0.group, $0.topic) < ($1.group, $1.topic) }
        if output.json {
            return try printJSON(
                sorted.map {
                    Row(
                        group: $0.group,
                        topic: $0.topic,
                        partitions: $0.partitions,
                        waiting: $0.waiting,
                        consumedUntil: $0.until
                    )
                }
            )
        }
        Terminal().table(
            ["GROUP", "TOPIC", "PARTITIONS", "WAITING", "CONSUMED UNTIL"],
            sorted.map { [$0.group, $0.topic, "\($0.partitions)", "\($0.waiting)", $0.until] }
        )
    }
}
