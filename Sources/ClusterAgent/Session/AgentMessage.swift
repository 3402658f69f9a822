import Domain
import Foundation

/// A message of an agent to the fleet, numbered and not yet signed.
public struct AgentMessage: Sendable, Hashable {
    /// The logical topic, such as `agent.status` or `resource.changes`.
    public var topic: String
    /// The Kafka key.
    public var key: String
    /// The event's type.
    public var type: String
    /// The event's id, stable however often the message is sent.
    public var id: String
    /// The number of the boot; 0 for a hello.
    public var epoch: Int64
    /// The number of the message in its stream.
    public var sequence: Int64
    /// The instance that the object belongs to.
    public var instance: String?
    /// The JSON data.
    public var data: [UInt8]
    /// When it was made: microseconds since 1970.
    public var time: Int64

    /// The topic of what agents say about themselves and their commands.
    public static let status = "agent.status"
    /// The topic of what they see.
    public static let changes = "resource.changes"
    /// The topic of what they tell for people to read.
    public static let output = "agent.output"
    /// The topic of the log lines that somebody asked for.
    public static let logs = "container.logs"

    /// Every topic that agents write to.
    static let topics = [status, changes, output, logs]

    /// Whether its loss is made good by another hello: what is only for people to read is not said again.
    var isRepeatable: Bool { topic == Self.status || topic == Self.changes }
}

/// The types of `resource.changes`.
public enum ResourceChangeType {
    /// An object is there and looks like this.
    public static let changed = "slipway.resource.changed.v1"
    /// An object was deleted.
    public static let gone = "slipway.resource.gone.v1"
    /// All objects of a kind were sent.
    public static let snapshotEnded = "slipway.resource.snapshot_ended.v1"
}

/// What an agent says on `agent.status`, as its event's type and data.
struct AgentStatement {
    let type: String
    let data: [UInt8]

    static func hello(_ hello: AgentHello) -> AgentStatement {
        let data: ObjectValue = [
            "boot": .string(hello.boot), "clusterUID": .string(hello.clusterUID),
            "agentVersion": .string(hello.agentVersion),
        ]
        return AgentStatement(type: AgentStatusType.hello, data: data.json)
    }

    static func heartbeat(boot: String, isComplete: Bool) -> AgentStatement {
        let data: ObjectValue = ["boot": .string(boot), "complete": .bool(isComplete)]
        return AgentStatement(type: AgentStatusType.heartbeat, data: data.json)
    }

    static func acknowledged(_ mark: CommandMark) -> AgentStatement {
        AgentStatement(type: AgentStatusType.acknowledged, data: fields(of: mark).json)
    }

    static func applied(_ mark: CommandMark, objects: [AppliedObject]) -> AgentStatement {
        var data = fields(of: mark)
        data["objects"] = .array(
            objects.map { object in
                var fields: ObjectValue = [
                    "apiVersion": .string(object.apiVersion), "kind": .string(object.kind),
                    "namespace": .string(object.namespace), "name": .string(object.name), "uid": .string(object.uid),
                    "generation": .int(object.generation),
                ]
                fields["resourceVersion"] = object.resourceVersion.map { .string($0) }
                return fields
            }
        )
        return AgentStatement(type: AgentStatusType.applied, data: data.json)
    }

    static func failed(_ mark: CommandMark, _ failure: WorkFailure) -> AgentStatement {
        var data = fields(of: mark)
        data["code"] = .string(failure.code)
        // Helm and the API quote what they were given.
        data["message"] = .string(failure.message.withoutNUL)
        return AgentStatement(type: AgentStatusType.failed, data: data.json)
    }

    static func progressed(_ mark: CommandMark, _ stage: ReleaseStage) -> AgentStatement {
        let report = AgentProgressed(command: mark.command, generation: mark.generation, stage: stage)
        return AgentStatement(type: AgentStatusType.progressed, data: encode(report))
    }

    static func drifted(_ mark: CommandMark, _ objects: [DriftedObject]) -> AgentStatement {
        let report = AgentDrifted(command: mark.command, generation: mark.generation, objects: objects)
        return AgentStatement(type: AgentStatusType.drifted, data: encode(report))
    }

    /// The value as JSON; encoding plain values cannot fail, and an empty object would be refused loudly.
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map(Array.init) ?? Array("{}".utf8)
    }

    private static func fields(of mark: CommandMark) -> ObjectValue {
        ["command": .string(mark.command), "generation": .int(mark.generation)]
    }
}
