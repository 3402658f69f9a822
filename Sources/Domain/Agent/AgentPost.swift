internal import CloudEvents
import Foundation
import WorkerRuntime

/// Writes messages to one cluster's agent, signed.
struct AgentPost {
    let fleetKey: FleetKey
    let worker: String
    let cluster: String
    let epoch: Int64
    let keyID: Int32

    func namespaceRequested(_ command: Command, namespace: String, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.namespaceRequested,
            key: command.key,
            of: command.id,
            now: now,
            NamespaceRequested(
                command: command.id.uuidString.lowercased(),
                generation: command.generation,
                environment: command.key,
                namespace: namespace
            ),
            trace: command.trace
        )
    }

    func namespaceRemovalRequested(_ command: Command, namespace: String, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.namespaceRemovalRequested,
            key: command.key,
            of: command.id,
            now: now,
            NamespaceRemovalRequested(
                command: command.id.uuidString.lowercased(),
                generation: command.generation,
                environment: command.key,
                namespace: namespace,
                deadline: RFC3339.format(microseconds: command.deadline)
            ),
            trace: command.trace
        )
    }

    func releaseRequested(_ command: Command, _ release: ReleaseRequested, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.releaseRequested,
            key: command.key,
            of: command.id,
            at: release.repair == true ? now : nil,
            now: now,
            release,
            trace: command.trace
        )
    }

    /// Asks for single objects, such as a network or a secret.
    func objectsRequested(_ command: Command, _ objects: ObjectsRequested, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.objectsRequested,
            key: command.key,
            of: command.id,
            at: objects.repair == true ? now : nil,
            now: now,
            objects,
            trace: command.trace
        )
    }

    /// Asks for a container's log.
    func logsRequested(_ command: Command, _ logs: LogsRequested, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.logsRequested,
            key: command.key,
            of: command.id,
            now: now,
            logs,
            trace: command.trace
        )
    }

    /// Tells that somebody still listens to a log; each time it is another message.
    func logListened(_ command: Command, _ listened: LogListened, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.logListened,
            key: command.key,
            of: command.id,
            at: now,
            now: now,
            listened,
            trace: command.trace
        )
    }

    func removalRequested(_ command: Command, _ removal: RemovalRequested, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.removalRequested,
            key: command.key,
            of: command.id,
            now: now,
            removal,
            trace: command.trace
        )
    }

    /// Takes a command back; one without an instance or an object is about the namespace.
    func withdrawn(_ command: Command, namespace: String, now: Int64) -> OutboxRecord {
        record(
            AgentCommandType.withdrawn,
            key: command.key,
            of: command.id,
            now: now,
            Withdrawn(
                command: command.id.uuidString.lowercased(),
                generation: command.generation,
                namespace: namespace,
                instance: command.instanceID == nil ? "" : command.subjectName,
                object: command.objectID.map { _ in
                    ObjectSubject(kind: command.subjectKind, name: command.subjectName)
                },
                logs: command.operation == RequestContainerLogs.name ? command.id.uuidString.lowercased() : nil
            ),
            trace: command.trace
        )
    }

    func welcomed(_ welcome: Welcomed, now: Int64) -> OutboxRecord {
        control(AgentCommandType.welcomed, id: "\(welcome.boot) \(welcome.epoch) \(now)", now: now, welcome)
    }

    func superseded(_ boot: String, reason: String, now: Int64) -> OutboxRecord {
        control(AgentCommandType.superseded, id: "\(boot) \(now)", now: now, Superseded(boot: boot, reason: reason))
    }

    func helloRequested(now: Int64) -> OutboxRecord {
        control(AgentCommandType.helloRequested, id: "\(now)", now: now, [String: String]())
    }

    func snapshotRequested(_ namespace: String, now: Int64) -> OutboxRecord {
        control(
            AgentCommandType.snapshotRequested,
            id: "\(namespace) \(now)",
            now: now,
            SnapshotRequested(namespace: namespace)
        )
    }

    private func record(
        _ type: String,
        key: String,
        of command: UUID,
        at moment: Int64? = nil,
        now: Int64,
        _ data: some Encodable,
        trace: TraceContext?
    ) -> OutboxRecord {
        // A repair, or a word about a log, is another message than the command itself, and each of them another one.
        let id = DerivedID.make(
            type,
            [command.uuidString, moment.map(String.init)].compactMap(\.self).joined(separator: " ")
        )
        return make(type, key: key, id: id, now: now, data, trace: trace)
    }

    private func control(_ type: String, id: String, now: Int64, _ data: some Encodable) -> OutboxRecord {
        make(type, key: cluster, id: DerivedID.make(type, cluster, id), now: now, data, trace: nil)
    }

    private func make(
        _ type: String,
        key: String,
        id: UUID,
        now: Int64,
        _ data: some Encodable,
        trace: TraceContext?
    ) -> OutboxRecord {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding these plain values cannot fail; an empty object would be refused by the agent, loudly.
        let bytes = (try? encoder.encode(data)).map(Array.init) ?? Array("{}".utf8)
        let topic = "agent.commands.\(cluster)"
        let event = OutgoingEvent(
            id: id.uuidString.lowercased(),
            type: type,
            source: "/slipway/\(worker)",
            subject: key,
            time: now,
            data: bytes,
            extensions: [("epoch", String(epoch))],
            trace: trace
        )
        let signingKey = fleetKey.clusterKey(cluster, keyID: keyID)
        return OutboxRecord(
            topic: topic,
            key: key,
            event: event.signed(.toAgent, topic: topic, key: key, with: signingKey, keyID: keyID)
        )
    }
}
