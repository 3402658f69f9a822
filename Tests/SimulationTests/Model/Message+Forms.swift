import ClusterAgent
import FleetCheck
import Foundation

@testable import Domain
@testable import WorkerRuntime

extension Message {
    /// The request in it.
    var request: Request? {
        if case .request(let request) = body { request } else { nil }
    }

    /// What an agent says in it.
    var statement: AgentMessage? {
        if case .agent(let message) = body { message } else { nil }
    }

    /// A command to its agent.
    static func work(_ command: Command, namespace: String, again: Int64 = 0) -> Message {
        let id = command.id.uuidString.lowercased()
        let work: ClusterWork
        if command.isRemoval {
            work = .removal(
                RemovalRequested(
                    command: id,
                    generation: command.generation,
                    namespace: namespace,
                    instance: command.subjectName,
                    deadline: ""
                )
            )
        } else {
            let desired = try? DesiredState(json: command.desired)
            work = .release(
                ReleaseRequested(
                    command: id,
                    generation: command.generation,
                    namespace: namespace,
                    instance: command.subjectName,
                    application: "app",
                    version: desired?.version ?? "",
                    image: "registry.example/app:1",
                    chart: nil,
                    values: "",
                    deadline: "",
                    stopped: desired?.isStopped ?? false
                )
            )
        }
        return told(.work(work), id: "work \(id) \(again)", cluster: command.cluster ?? "", key: command.key)
    }

    /// Takes a command back from its agent.
    static func withdrawal(of command: Command, namespace: String) -> Message {
        let id = command.id.uuidString.lowercased()
        let withdrawn = Withdrawn(
            command: id,
            generation: command.generation,
            namespace: namespace,
            instance: command.subjectName
        )
        return told(.withdrawn(withdrawn), id: "withdrawn \(id)", cluster: command.cluster ?? "", key: command.key)
    }

    /// Something for an agent.
    static func told(_ content: AgentCommand.Content, id: String, cluster: String, key: String) -> Message {
        Message(topic: Topics.commands(cluster), key: key, body: .command(content, id: id))
    }

    /// The message as the runtime's dead letters want it.
    var view: KafkaMessageView {
        let seen = seen
        return KafkaMessageView(
            topic: topic,
            partition: Int32(partition),
            offset: offset,
            brokerTime: time / 1000,
            key: key,
            headers: seen.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
            value: seen.text.map { Array($0.utf8) }
        )
    }
}
