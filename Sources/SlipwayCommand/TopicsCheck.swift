import ArgumentParser
import Domain
import Kafka
import WorkerRuntime

struct TopicsCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare the cluster's topics with what the fleet needs; exit code 1 where they differ.",
        discussion: "Partitions and properties are compared; a retention may be longer."
    )
    @OptionGroup var shape: TopicsCommand.Shape
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let admin = try KafkaAdmin(try connection.kafka())
        let (faults, blindness) = try Self.compare(try shape.definitions(connection.settings), admin)
        faults.forEach { print($0) }
        if let blindness {
            print("the broker does not tell the topics' properties (\(blindness)); not compared")
        }
        guard faults.isEmpty else { throw ExitCode(1) }
        print("all topics are as the fleet needs them")
    }

    /// The differences, and why the broker does not tell properties, as librdkafka's mock cluster does not.
    static func compare(
        _ definitions: [KafkaTopicDefinition],
        _ admin: KafkaAdmin
    ) throws -> (faults: [String], blindness: KafkaError?) {
        let metadata = try admin.metadata(timeout: .seconds(15))
        var faults: [String] = []
        var blindness: KafkaError?
        for wanted in definitions {
            let topic = metadata.topic(wanted.name)
            var properties: [String: String]?
            if topic != nil, blindness == nil {
                do throws(KafkaError) {
                    properties = try admin.describeConfiguration(wanted.name, timeout: .seconds(15))
                        .reduce(into: [:]) { $0[$1.name] = $1.value }
                } catch {
                    blindness = error
                }
            }
            faults += TopicComparison.faults(
                wanted.name,
                wanted: (wanted.partitions, wanted.replicationFactor, wanted.configuration),
                partitions: topic?.partitionCount,
                copies: topic?.replicationFactor ?? 0,
                properties: properties
            )
        }
        return (faults, blindness)
    }
}
