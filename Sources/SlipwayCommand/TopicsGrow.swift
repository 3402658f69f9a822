import ArgumentParser
import Domain
import Foundation
import Kafka
import Postgres
import WorkerRuntime

struct TopicsGrow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grow",
        abstract: "Give a topic more partitions, keeping the order of its keys.",
        discussion: """
            Workers need not be stopped. They leave the new partitions alone until the old ones are read to where they
            ended one metadata age after the growth, when every producer knows the new ones; the command waits that long.
            A command that was broken off is given again with the same number.
            """
    )

    @Argument(help: "The topic without the prefix, such as deployment.requests.")
    var topic: String
    @Option(help: "How many partitions it is to have.")
    var partitions: Int
    @Option(help: "The longest that a producer goes on with what it knew of the topic, in seconds.")
    var metadataAge = Int(TopicGrowth.metadataAge.components.seconds)
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard metadataAge >= 0 else {
            throw ValidationError("The metadata age is \(metadataAge); it should be a number of seconds.")
        }
    }

    func run() throws {
        let name = connection.settings.topicPrefix + topic
        let database = try connection.connect()
        let admin = try KafkaAdmin(try connection.kafka())
        guard let present = try admin.metadata(timeout: .seconds(15)).topic(name)?.partitionCount else {
            throw StartError("The broker has no topic '\(name)'; 'slipway topics' lists them.")
        }
        let growth = try begin(present, on: database)
        if present < growth.after { try grow(growth, name, admin, database) }
        print("\(name) has \(growth.after) partitions; waiting \(metadataAge) s until every producer knows them")
        Thread.sleep(forTimeInterval: TimeInterval(metadataAge))
        try growth.note(ends: try ends(of: growth, name), on: database)
        try write("done", growth, on: database)
        print("the workers read the new partitions as soon as they have read the old ones to their present ends")
    }

    /// Holds the new partitions back, or goes on with a growth that was broken off.
    private func begin(_ present: Int, on database: PostgresConnection) throws -> TopicGrowth {
        // One of which the broker made nothing may be given another number.
        if let unfinished = try TopicGrowth.unfinished(of: topic, on: database), Int(unfinished.before) != present {
            guard Int(unfinished.after) == partitions else {
                throw StartError(
                    "A growth to \(unfinished.after) partitions was broken off; give '--partitions \(unfinished.after)' first."
                )
            }
            return unfinished
        }
        let growth = try TopicGrowth(of: topic, from: present, to: partitions)
        try growth.begin(on: database)
        return growth
    }

    private func grow(_ growth: TopicGrowth, _ name: String, _ admin: KafkaAdmin, _ database: PostgresConnection) throws
    {
        try write("begun", growth, on: database)
        do {
            try admin.createPartitions(name, total: Int(growth.after), timeout: .seconds(15))
        } catch {
            try? write("failed", growth, on: database)
            // Where nobody knows whether they were made they stay held back; the same command then goes on.
            if !error.isRetriable { try growth.cancel(on: database) }
            throw StartError(
                "The broker did not add the partitions: \(error)\(error.isRetriable ? "; give the command again" : "")."
            )
        }
    }

    /// Writes down what came of it: what the broker has added stays, also of a command that is broken off.
    private func write(_ outcome: String, _ growth: TopicGrowth, on database: PostgresConnection) throws {
        let subject = "\(topic) to \(growth.after) partitions"
        try AuditLog.write(AuditEntry(act: "topics.grow", subject: subject, "topic", outcome: outcome), on: database)
    }

    private func ends(of growth: TopicGrowth, _ name: String) throws -> [Int64] {
        let reader = try KafkaConsumer(try connection.kafka(), group: "slipway-offsets", topics: [])
        defer { _ = reader.close(deadline: .seconds(2)) }
        let places = (0..<growth.before).map { KafkaTopicPartition(topic: name, partition: $0) }
        let ends = try reader.ends(of: places, timeout: .seconds(10))
        // One that is missing is refused where they are noted.
        return places.compactMap { ends[$0] }
    }
}
