import Domain
import Foundation
import TestSupport
import Testing

@testable import ClusterAgent

/// What agents say and read is what `topics/` says.
struct AgentContractTests {
    private static let topics = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "topics")

    private static func id(_ number: Int) -> String { "0199a7c2-0000-8000-8000-00000000000\(number)" }

    /// Everything that an agent says, at least once.
    private static func everything() -> [AgentMessage] {
        var world = SessionWorld(boot: id(9))
        world.pass(seconds: 0.1)
        world.catchUp()
        world.welcome()
        var namespace = NamespaceRequested.staging()
        namespace.command = id(1)
        world.read(.work(.namespace(namespace)))
        world.pass(seconds: 2)
        let values = "simulate: {hook: {name: migrate, seconds: 1}, failure: crashLoop}"
        world.read(.work(.release(.web(command: id(2), values: values))))
        world.pass(seconds: 30)
        let pods = world.cluster.objects(in: "shop-staging", kind: WatchedKind("v1", "Pod"))
        let pod = pods.first { !$0.id.name.hasPrefix("migrate") }
        for (number, container) in [(3, "web"), (4, "nobody")] {
            let request = LogsRequested(
                command: id(number),
                namespace: "shop-staging",
                pod: pod?.id.name ?? "",
                container: container,
                lines: nil,
                follow: true,
                seconds: 2,
                previous: false,
                bytes: 10_000
            )
            world.read(.work(.log(request)))
        }
        world.pass(seconds: 5)
        let removal = RemovalRequested(
            command: id(5),
            generation: 2,
            namespace: "shop-staging",
            instance: "web-1",
            deadline: ""
        )
        world.read(.work(.removal(removal)))
        world.pass(seconds: 5)
        world.take(
            .drifted(
                CommandMark(command: id(2), generation: 1),
                [DriftedObject(apiVersion: "v1", kind: "Service", name: "web", change: .missing)]
            )
        )
        return world.messages
    }

    @Test func `everything that an agent says fits its schema, and every type is said`() throws {
        let messages = Self.everything()
        for topic in ["agent.status", "agent.output", "container.logs", "resource.changes"] {
            let text = try String(contentsOf: Self.topics.appending(path: "\(topic)/topic.yaml"), encoding: .utf8)
            let types = text.split(separator: "\n").filter { $0.hasPrefix("  - ") }.map { String($0.dropFirst(4)) }
            let own = messages.filter { $0.topic == topic }
            #expect(Set(own.map(\.type)) == Set(types), "\(topic)")
            for type in types {
                let file = Self.topics.appending(path: "\(topic)/\(type).schema.json")
                let schema = try JSONSchema(try Data(contentsOf: file))
                for message in own where message.type == type {
                    let faults = try schema.faults(of: JSONSerialization.jsonObject(with: Data(message.data)))
                    #expect(faults.isEmpty, "\(type): \(faults)")
                }
            }
        }
    }

    @Test func `what agents tell for people to read is numbered by its key`() {
        let output = Self.everything().filter { $0.topic == "agent.output" }
        for stream in Dictionary(grouping: output, by: \.key).values {
            #expect(stream.map(\.sequence) == Array(1...Int64(stream.count)))
        }
    }

    private func example<T: Decodable>(_ type: String, as form: T.Type) throws -> T {
        let file = Self.topics.appending(path: "agent.commands/examples/\(type).accepted.json")
        let whole = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let data = try JSONSerialization.data(withJSONObject: try #require(whole["data"]))
        return try JSONDecoder().decode(T.self, from: data)
    }

    @Test func `the examples of commands are read with all their members`() throws {
        let release = try example(AgentCommandType.releaseRequested, as: ReleaseRequested.self)
        #expect(release.replicas?["StatefulSet/db"] == 1 && release.restart != nil && release.chartCredentials != nil)
        #expect(release.stopped == false && release.registrySecrets?.first?.name == "registry")
        #expect(release.deployment == release.command)
        let objects = try example(AgentCommandType.objectsRequested, as: ObjectsRequested.self)
        #expect(objects.objects.first?.path("spec", "ports")?.elements.first?["port"]?.int == 80)
        #expect(objects.secrets?.first?.values.keys.first == "password" && objects.removed?.count == 1)
        #expect(try example(AgentCommandType.removalRequested, as: RemovalRequested.self).instance == "web-1")
        let namespace = try example(AgentCommandType.namespaceRemovalRequested, as: NamespaceRemovalRequested.self)
        #expect(namespace.namespace == "shop-staging")
        let logs = try example(AgentCommandType.logsRequested, as: LogsRequested.self)
        #expect(logs.follow && logs.lines == 200)
        #expect(try example(AgentCommandType.logListened, as: LogListened.self).seconds == 60)
        #expect(try example(AgentCommandType.withdrawn, as: Withdrawn.self).subject.namespace == "shop-staging")
    }

    @Test(
        arguments: [
            (nil, nil, "web-1", CommandSubject.release(namespace: "n", instance: "web-1")),
            (nil, nil, "", .namespace("n")),
            (
                ObjectSubject(kind: "network", name: "front"), nil, "",
                .object(namespace: "n", ObjectSubject(kind: "network", name: "front"))
            ),
            (nil, "log-1", "", .log(namespace: "n", command: "log-1")),
        ] as [(ObjectSubject?, String?, String, CommandSubject)]
    )
    func `what is withdrawn is told apart`(
        object: ObjectSubject?,
        logs: String?,
        instance: String,
        wanted: CommandSubject
    ) {
        let request = Withdrawn(
            command: "c",
            generation: 1,
            namespace: "n",
            instance: instance,
            object: object,
            logs: logs
        )
        #expect(request.subject == wanted)
    }
}
