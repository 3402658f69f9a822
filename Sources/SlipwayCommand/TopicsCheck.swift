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
            let look = Look(at: wanted.name, metadata, admin, isBlind: blindness != nil)
            blindness = blindness ?? look.blindness
            if let code = look.hidden {
                let isForbidden = code == .topicAuthorizationFailed
                faults.append(TopicComparison.hidden(wanted.name, isForbidden: isForbidden, code.name))
                continue
            }
            faults += TopicComparison.faults(
                wanted.name,
                wanted: (wanted.partitions, wanted.replicationFactor, wanted.configuration),
                partitions: topic?.partitionCount,
                copies: topic?.replicationFactor ?? 0,
                properties: look.properties
            )
        }
        return (faults, blindness)
    }

    /// What the broker tells of one topic.
    private struct Look {
        /// Its properties, where it tells them.
        var properties: [String: String]?
        /// Why it does not show a topic that may be there.
        var hidden: KafkaError.Code?
        /// Why it tells no topic's properties.
        var blindness: KafkaError?

        init(at name: String, _ metadata: KafkaMetadata, _ admin: KafkaAdmin, isBlind: Bool) {
            hidden = metadata.failures[name]
            guard hidden == nil, !isBlind else { return }
            let isListed = metadata.topic(name) != nil
            do throws(KafkaError) {
                properties = try admin.describeConfiguration(name, timeout: .seconds(isListed ? 15 : 2))
                    .reduce(into: [:]) { $0[$1.name] = $1.value }
                // A list of all topics leaves out those that the principal may not see.
                if !isListed { hidden = .topicAuthorizationFailed }
            } catch {
                guard !isListed, error.code != .timedOut else {
                    blindness = error
                    return
                }
                // Who may see a topic need not be told its properties; then it is not there.
                guard error.code == .topicAuthorizationFailed,
                    let said = try? admin.metadata(of: name, timeout: .seconds(15)).failures[name],
                    said != .unknownTopicOrPartition
                else { return }
                hidden = said
            }
        }
    }
}
