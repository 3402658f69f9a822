import ClusterAgent
import Domain

@testable import WorkerRuntime

/// A message of the simulated broker: what it says is a value, so that nothing is encoded but what the fleet encodes.
struct Message {
    /// What a message says.
    enum Body {
        case request(Request)
        /// Of an agent, on `agent.status` or `resource.changes`.
        case agent(AgentMessage)
        /// To an agent, with the id that tells a repetition.
        case command(AgentCommand.Content, id: String)
        /// What the fleet publishes.
        case record(OutboxRecord)
    }

    let topic: String
    let key: String
    let body: Body
    /// Microseconds since 1970: when the broker took it.
    var time: Int64 = 0
    var partition = 0
    var offset: Int64 = 0
}

/// The topics of the simulation, each with so many partitions.
enum Topics {
    static let requests = "deployment.requests"
    static let status = "agent.status"
    static let changes = "resource.changes"

    static func commands(_ cluster: String) -> String { "agent.commands.\(cluster)" }

    static func partitions(of topic: String) -> Int {
        [requests: 6, status: 3, changes: 4][topic] ?? (topic.hasPrefix("agent.commands.") ? 1 : 3)
    }
}

/// A row of the outbox, with one message.
struct Row {
    let id: Int64
    let entry: OutboxMessage
    let body: Message.Body

    /// Makes a row; its id is given where it is written.
    init(_ message: Message, id: Int64) {
        var coalesces = false
        if case .record(let record) = message.body { coalesces = record.coalesces }
        self.id = id
        entry = OutboxMessage(
            topic: message.topic,
            key: Array(message.key.utf8),
            headers: [],
            value: nil,
            coalesces: coalesces
        )
        body = message.body
    }

    /// The message to publish.
    var message: Message { Message(topic: entry.topic, key: String(decoding: entry.key, as: UTF8.self), body: body) }
}
