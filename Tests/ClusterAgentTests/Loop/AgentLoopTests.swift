import ClusterAgent
import Domain
import Foundation
import JSON
import Kafka
import Sealing
import Testing

@Suite(.timeLimit(.minutes(3)))
struct AgentLoopTests {
    private static func cluster(failure: SimulatedFailure? = nil) -> SimulatedCluster {
        SimulatedCluster(name: "east", timings: SimulatedTimings(speed: 5), failure: failure)
    }

    private static func namespace() -> NamespaceRequested { .staging() }

    private static func text(_ message: KafkaMessage, _ name: String) -> String {
        (try? JSONParser().withDocument(message.valueBytes ?? []) { $0[named: name]?.string ?? "" }) ?? ""
    }

    private static func has(_ type: String, command: String? = nil) -> (KafkaMessage) -> Bool {
        { $0.header("ce_type") == type && (command == nil || text($0, "command") == command) }
    }

    @Test func `an agent says hello, is welcomed, and does what it is asked, signed and numbered`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            let agent = RunningAgent(fleet.configuration(), cluster: Self.cluster())
            let hello = try fleet.wait("hello", for: Self.has(AgentStatusType.hello))[0]
            #expect(hello.header("ce_epoch") == "0")
            try fleet.welcome(boot: Self.text(hello, "boot"))
            try fleet.command(AgentCommandType.namespaceRequested, Self.namespace())
            try fleet.wait("the namespace", for: Self.has(AgentStatusType.applied, command: "n"))
            try fleet.command(AgentCommandType.releaseRequested, ReleaseRequested.web())
            try fleet.wait("acknowledged", for: Self.has(AgentStatusType.acknowledged, command: "c-1"))
            try fleet.wait("applied", for: Self.has(AgentStatusType.applied, command: "c-1"))
            try fleet.wait("a ready pod") { message in
                message.key == "east/shop-staging" && message.header("ce_instance") == "web-1"
                    && String(decoding: message.valueBytes ?? [], as: UTF8.self).contains("NewReplicaSetAvailable")
            }
            try fleet.wait("heartbeats", count: 2, for: Self.has(AgentStatusType.heartbeat))
            #expect(fleet.messages.allSatisfy(fleet.isSigned))
            let welcomed = fleet.messages.filter { $0.header("ce_epoch") == "3" }
            for (_, stream) in Dictionary(grouping: welcomed, by: { "\($0.topic) \($0.key ?? "")" }) {
                #expect(stream.compactMap { $0.header("ce_sequence") } == (1...stream.count).map(String.init))
            }
            #expect(try agent.stop() == .stopped)
            #expect(try fleet.storedPlace() == 3, "every command is finished")
            fleet.close()
        }
    }

    @Test func `an unsigned command is not followed, and a superseded agent ends`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            let agent = RunningAgent(fleet.configuration(), cluster: Self.cluster())
            let hello = try fleet.wait("hello", for: Self.has(AgentStatusType.hello))[0]
            let boot = Self.text(hello, "boot")
            try fleet.command(AgentCommandType.superseded, Superseded(boot: boot, reason: "forged"), isSigned: false)
            try fleet.welcome(boot: boot)
            try fleet.wait("a heartbeat", for: Self.has(AgentStatusType.heartbeat))
            try fleet.command(AgentCommandType.superseded, Superseded(boot: boot, reason: "another agent"))
            #expect(try agent.end() == .superseded(reason: "another agent"))
            fleet.close()
        }
    }

    @Test func `messages that go twice or out of order are the same messages, and none is missing`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            var configuration = fleet.configuration()
            configuration.duplicatePercent = 30
            configuration.reorderPercent = 30
            let agent = RunningAgent(configuration, cluster: Self.cluster())
            let hello = try fleet.wait("hello", for: Self.has(AgentStatusType.hello))[0]
            try fleet.welcome(boot: Self.text(hello, "boot"))
            try fleet.command(AgentCommandType.namespaceRequested, Self.namespace())
            try fleet.wait("the namespace", for: Self.has(AgentStatusType.applied, command: "n"))
            try fleet.command(AgentCommandType.releaseRequested, ReleaseRequested.web())
            try fleet.wait("applied", for: Self.has(AgentStatusType.applied, command: "c-1"))
            try fleet.command(AgentCommandType.snapshotRequested, SnapshotRequested(namespace: "shop-staging"))
            try fleet.read("two snapshots") { Set(fleet.snapshotEnds(of: "Ingress")).count == 2 }
            #expect(try agent.stop() == .stopped)
            let numbers = { fleet.messages.filter { $0.key == "east/shop-staging" }.compactMap(FleetSide.sequence) }
            try fleet.read("every number") { Set(numbers()) == Set(1...(numbers().max() ?? 1)) }
            #expect(numbers() != numbers().sorted(), "some are out of order")
            #expect(Set(numbers()).count < numbers().count, "some came twice")
            #expect(fleet.messages.allSatisfy(fleet.isSigned))
            fleet.close()
        }
    }

    @Test func `an agent that starts again does not do again what is done`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            let agent = RunningAgent(fleet.configuration(), cluster: Self.cluster())
            let hello = try fleet.wait("hello", for: Self.has(AgentStatusType.hello))[0]
            try fleet.welcome(boot: Self.text(hello, "boot"))
            try fleet.command(AgentCommandType.namespaceRequested, Self.namespace())
            try fleet.wait("the namespace", for: Self.has(AgentStatusType.applied, command: "n"))
            let request = ReleaseRequested.web(values: "simulate: {failure: agentRestart}")
            try fleet.command(AgentCommandType.releaseRequested, request)
            let again = try fleet.wait("a second boot") { message in
                Self.has(AgentStatusType.hello)(message) && Self.text(message, "boot") != Self.text(hello, "boot")
            }[0]
            try fleet.welcome(boot: Self.text(again, "boot"), epoch: 4, open: ["c-1"])
            try fleet.command(AgentCommandType.releaseRequested, request)
            let applied = try fleet.wait("applied by the second boot") {
                Self.has(AgentStatusType.applied, command: "c-1")($0) && $0.header("ce_epoch") == "4"
            }[0]
            #expect(String(decoding: applied.valueBytes ?? [], as: UTF8.self).contains("\"generation\":1"))
            #expect(try agent.stop() == .stopped)
            fleet.close()
        }
    }

    @Test func `an agent that was offline catches up with what was asked and with what happened`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            let agent = RunningAgent(fleet.configuration(), cluster: Self.cluster())
            let hello = try fleet.wait("hello", for: Self.has(AgentStatusType.hello))[0]
            try fleet.welcome(boot: Self.text(hello, "boot"))
            try fleet.command(AgentCommandType.namespaceRequested, Self.namespace())
            try fleet.wait("the namespace", for: Self.has(AgentStatusType.applied, command: "n"))
            let values = "simulate: {failure: agentOffline, seconds: 3}"
            try fleet.command(AgentCommandType.releaseRequested, ReleaseRequested.web(values: values))
            try fleet.wait("acknowledged", for: Self.has(AgentStatusType.acknowledged, command: "c-1"))
            try fleet.command(AgentCommandType.releaseRequested, ReleaseRequested.web(generation: 2, version: "1.1.0"))
            try fleet.wait("what was asked meanwhile", for: Self.has(AgentStatusType.applied, command: "c-2"))
            try fleet.wait("two snapshots", count: 2) {
                Self.has(ResourceChangeType.snapshotEnded)($0) && Self.text($0, "kind") == "Job"
            }
            #expect(try agent.stop() == .stopped)
            fleet.close()
        }
    }

    @Test func `what is sealed for a cluster is opened by its agent, and what is not ends its command`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            let agent = RunningAgent(fleet.configuration(), cluster: Self.cluster())
            let hello = try fleet.wait("hello", for: Self.has(AgentStatusType.hello))[0]
            try fleet.welcome(boot: Self.text(hello, "boot"))
            try fleet.command(AgentCommandType.namespaceRequested, Self.namespace())
            try fleet.wait("the namespace", for: Self.has(AgentStatusType.applied, command: "n"))
            let place = Binding("east", "shop-staging", "secret", "database", "password")
            let publicKey = try fleet.key.sealingKeys(of: "east").publicKey
            let sealed = try publicKey.seal(SecretBytes(utf8: "hunter2"), for: place)
            for (command, name) in [("good", "database"), ("bad", "elsewhere")] {
                let secret = SealedSecret(name: name, type: "Opaque", values: ["password": sealed.text])
                let request = ObjectsRequested(
                    command: command,
                    generation: 1,
                    namespace: "shop-staging",
                    subject: ObjectSubject(kind: "secret", name: name),
                    objects: [],
                    secrets: [secret],
                    deadline: ""
                )
                try fleet.command(AgentCommandType.objectsRequested, request)
            }
            let applied = try fleet.wait("applied", for: Self.has(AgentStatusType.applied, command: "good"))[0]
            #expect(String(decoding: applied.valueBytes ?? [], as: UTF8.self).contains("\"name\":\"database\""))
            let failed = try fleet.wait("failed", for: Self.has(AgentStatusType.failed, command: "bad"))[0]
            #expect(Self.text(failed, "code") == "cannot_open")
            #expect(Self.text(failed, "message").contains("secrets.elsewhere.password"))
            #expect(try agent.stop() == .stopped)
            let said = fleet.messages.map { String(decoding: $0.valueBytes ?? [], as: UTF8.self) }.joined()
            #expect(!said.contains("hunter2") && !said.contains(Data("hunter2".utf8).base64EncodedString()))
            fleet.close()
        }
    }

    @Test func `made-up load is signed and numbered like any agent's changes`() throws {
        let key = try #require(SigningKey(base64: FleetKey.random()))
        var load = ResourceLoad(seed: 3, instances: 20, namespaces: 4, repeatPercent: 10)
        let records = load.records(400, cluster: "east", epoch: 2, key: key, topicPrefix: "test.", time: 0)
        #expect(records.count == 400)
        for stream in Dictionary(grouping: records, by: \.key).values {
            let numbers = stream.compactMap { record in record.headers.first { $0.name == "ce_sequence" }?.text }
            #expect(numbers == (1...stream.count).map(String.init))
        }
        let sizes = records.map { $0.value?.count ?? 0 }
        #expect(sizes.contains { $0 >= 970 } && sizes.contains { $0 < 480 })
        for record in records.prefix(20) { try JSONParser().validate(record.value ?? []) }
        var again = ResourceLoad(seed: 3, instances: 20, namespaces: 4, repeatPercent: 10)
        #expect(again.records(400, cluster: "east", epoch: 2, key: key, topicPrefix: "test.", time: 0) == records)
    }
}
