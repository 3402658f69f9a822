import ArgumentParser
import Domain
import Kafka
import Postgres
import WorkerRuntime

struct Offsets: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show or set where groups go on reading; takes the place of Kafka's reset tools.",
        subcommands: [OffsetsList.self, OffsetsSet.self],
        defaultSubcommand: OffsetsList.self
    )
}

struct OffsetsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show each partition's position: the database's, which is the truth."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    struct Row: Encodable {
        let group: String
        let topic: String
        let partition: Int32
        let nextOffset: Int64
        let lostToRetention: Int64
        let owner: String?
    }

    func run() throws {
        let rows = try connection.connect().query(
            """
            select consumer_group, topic, partition, next_offset, lost_to_retention, owner
            from partition_claim order by 1, 2, 3
            """
        ).map { row in
            Row(
                group: try row.string(0),
                topic: try row.string(1),
                partition: try row.int32(2),
                nextOffset: try row.int64(3),
                lostToRetention: try row.int64(4),
                owner: try row.optionalString(5)
            )
        }
        if output.json { return try printJSON(rows) }
        Terminal().table(
            ["GROUP", "TOPIC", "PARTITION", "NEXT OFFSET", "LOST TO RETENTION", "OWNER"],
            rows.map {
                [$0.group, $0.topic, "\($0.partition)", "\($0.nextOffset)", "\($0.lostToRetention)", $0.owner ?? "-"]
            }
        )
    }
}

struct OffsetsSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Let a group go on at another message of a partition.",
        discussion: """
            Workers need not be stopped: who holds the partition claims it again. Requests that were seen are answered
            again and not done again.
            """
    )

    @Argument(help: "The worker whose group it is, such as deployment-worker.")
    var worker: String
    @Argument(help: "The topic without the prefix, such as deployment.requests.")
    var topic: String
    @Argument(help: "The partition's number.")
    var partition: Int32
    @Argument(help: "An offset, 'oldest' or 'newest'.")
    var position: String
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard position == "oldest" || position == "newest" || (Int64(position) ?? -1) >= 0 else {
            throw ValidationError("The position is '\(position)'; it should be an offset from 0, 'oldest' or 'newest'.")
        }
    }

    func run() throws {
        let prefix = connection.settings.topicPrefix
        let reader = try KafkaConsumer(try connection.kafka(), group: "slipway-offsets", topics: [])
        defer { _ = reader.close(deadline: .seconds(2)) }
        let place = KafkaTopicPartition(topic: prefix + topic, partition: partition)
        let marks = try reader.watermarks(of: place, timeout: .seconds(5))
        let offset = position == "oldest" ? marks.low : position == "newest" ? marks.high : Int64(position) ?? marks.low
        guard (marks.low...marks.high).contains(offset) else {
            throw StartError("Kafka has the offsets \(marks.low) to \(marks.high) of \(place); \(offset) is not one.")
        }
        let database = try connection.connect()
        defer { database.close() }
        let group = try group(on: database)
        let before = try database.transaction { (transaction: borrowing PostgresTransaction) -> Int64? in
            guard
                let before = try PositionChange.set(
                    group: group,
                    topic: topic,
                    partition: partition,
                    to: offset,
                    in: transaction
                )
            else { return nil }
            let subject = "\(group) \(topic) \(partition): \(before) to \(offset)"
            try AuditLog.write([AuditEntry(act: "offsets.set", subject: subject, "partition")], in: transaction)
            return before
        }
        guard let before else {
            throw StartError(
                "The group '\(group)' never claimed partition \(partition) of '\(topic)'; 'slipway offsets' shows what is."
            )
        }
        print("\(group) goes on at offset \(offset) of \(place), before it was \(before)")
    }

    /// The worker's group for that topic: what it reads beside its own topic has a group with the topic's name behind a dot.
    private func group(on database: PostgresConnection) throws -> String {
        let prefix = connection.settings.topicPrefix
        let name = worker.hasPrefix(prefix) ? worker : prefix + worker
        let rows = try database.query(
            """
            select consumer_group from partition_claim
            where topic = $2 and partition = $3 and consumer_group in ($1::text, $1::text || '.' || $2::text)
            order by consumer_group limit 1
            """,
            [.text(name), .text(topic), .int32(partition)]
        )
        return try rows.first?.string(0) ?? name
    }
}
