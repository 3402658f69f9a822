import ArgumentParser
import Domain
import Foundation
import Kafka
import WorkerRuntime

struct TopicsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics",
        abstract: "The fleet's topics: list them, make those that are missing, check those that exist.",
        subcommands: [List.self, Apply.self, TopicsCheck.self, TopicsGrow.self],
        defaultSubcommand: List.self
    )

    struct Shape: ParsableArguments {
        @Option(help: "A cluster whose command topic belongs to the fleet; may be repeated.")
        var cluster: [String] = []
        @Option(help: "The partitions of topics that have more than one.")
        var partitions = Topics.defaultPartitions
        @Option(
            help: "How many brokers keep a copy; with 3 or more a message counts as written when 2 have it."
        )
        var replicationFactor = 1

        func validate() throws {
            guard (1...100_000).contains(partitions) else {
                throw ValidationError("'--partitions \(partitions)' should be a number from 1 to 100000.")
            }
            guard (1...1000).contains(replicationFactor) else {
                throw ValidationError("'--replication-factor \(replicationFactor)' should be a number from 1 to 1000.")
            }
        }

        /// The topics, with those of trusted requests that the settings name.
        func topics(_ settings: Settings) throws -> [TopicDefinition] {
            Topics.complete(clusters: cluster, trusted: try TrustedTopic.all(settings).map(\.name))
        }

        func definitions(_ settings: Settings) throws -> [KafkaTopicDefinition] {
            let prefix = settings.topicPrefix
            return try topics(settings).map { topic in
                KafkaTopicDefinition(
                    name: prefix + topic.name,
                    partitions: topic.partitions == 1 ? 1 : partitions,
                    replicationFactor: replicationFactor,
                    configuration: Topics.safe(topic.configuration, replicationFactor: replicationFactor)
                )
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the topics that the fleet needs.")
        @OptionGroup var shape: Shape
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        struct Line: Encodable {
            let name: String
            let partitions: Int
            let key: String
        }

        func run() throws {
            let prefix = connection.settings.topicPrefix
            let lines = try shape.topics(connection.settings).map {
                Line(name: prefix + $0.name, partitions: $0.partitions == 1 ? 1 : shape.partitions, key: $0.key)
            }
            if output.json { return try printJSON(lines) }
            Terminal().table(["TOPIC", "PARTITIONS", "KEY"], lines.map { [$0.name, "\($0.partitions)", $0.key] })
        }
    }

    struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make the topics that are missing; change none.")
        @OptionGroup var shape: Shape
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let admin = try KafkaAdmin(try connection.kafka())
            let existing = Set(try admin.metadata(timeout: .seconds(15)).topics.map(\.name))
            let missing = try shape.definitions(connection.settings).filter {
                !existing.contains($0.name)
            }
            do throws(KafkaError) {
                if !missing.isEmpty { try admin.createTopics(missing, timeout: .seconds(60)) }
            } catch {
                guard error.code == .timedOut else { throw error }
                throw StartError(
                    "The broker does not answer administrators, so \(missing.count) topics were not made; the demo's broker "
                        + "never does, and makes a topic when it is first used."
                )
            }
            for topic in missing { print("made \(topic.name)") }
            print("\(existing.count) topics were there, \(missing.count) were made")
        }
    }
}
