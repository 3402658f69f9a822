import Foundation
import TestSupport
import Testing
import WorkerRuntime

@testable import Domain

/// The folder `topics/` and the code say the same.
@Suite struct TopicsTests {
    @Test func `with three copies two must be written, and a broker that lacks messages never leads`() {
        #expect(Topics.safe(["a": "b"], replicationFactor: 1) == ["a": "b", "unclean.leader.election.enable": "false"])
        let safe = Topics.safe([:], replicationFactor: 3)
        #expect(safe == ["unclean.leader.election.enable": "false", "min.insync.replicas": "2"])
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "topics")

    struct Example: Sendable, CustomTestStringConvertible {
        let topic: String
        let file: String
        var url: URL { TopicsTests.folder.appending(path: "\(topic)/examples/\(file)") }
        /// `slipway.instance.deploy.v1` of `slipway.instance.deploy.v1.refused-missing-version.json`.
        var type: String {
            let marks = [".accepted.json", ".refused-", ".ignored-"]
            let end = marks.compactMap { file.range(of: $0)?.lowerBound }.first ?? file.endIndex
            return String(file[..<end])
        }
        var isAccepted: Bool { file.hasSuffix(".accepted.json") }
        var isIgnored: Bool { file.contains(".ignored-") }
        var testDescription: String { "\(topic)/\(file)" }
    }

    static let examples: [Example] = {
        let files = FileManager.default
        let topics = (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
        return topics.sorted().flatMap { topic in
            let names = (try? files.contentsOfDirectory(atPath: folder.appending(path: "\(topic)/examples").path)) ?? []
            return names.sorted().map { Example(topic: topic, file: $0) }
        }
    }()

    struct Content {
        let message: KafkaMessageView
        let data: Any
    }

    static func read(_ example: Example) throws -> Content {
        let whole = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: example.url)) as? [String: Any]
        )
        let headers = try #require(whole["headers"] as? [String: String])
        let data = try #require(whole["data"])
        let bytes = try JSONSerialization.data(withJSONObject: data, options: [.fragmentsAllowed])
        return Content(
            message: KafkaMessageView(
                topic: example.topic,
                key: whole["key"] as? String,
                headers: headers.map { ($0.key, $0.value) },
                value: Array(bytes)
            ),
            data: data
        )
    }

    @Test func `there are examples`() {
        #expect(Self.examples.count > 60)
    }

    @Test(arguments: examples)
    func `each example is valid or not as its name says`(example: Example) throws {
        let schema = try JSONSchema(
            try Data(contentsOf: Self.folder.appending(path: "\(example.topic)/\(example.type).schema.json"))
        )
        let content = try Self.read(example)
        let faults = try schema.faults(of: content.data)
        #expect(faults.isEmpty == (example.isAccepted || example.isIgnored), "\(faults)")
        #expect(content.message.header("ce_type") == example.type)
    }

    @Test(arguments: examples.filter { $0.topic == "deployment.requests" })
    func `each request is accepted or refused by the decoder as its name says`(example: Example) throws {
        let key = try FleetKey(base64: FleetKey.random()).requestKey
        let input = try RequestDecoder(requestKey: key, callers: NamedCallers()).decode(try Self.read(example).message)
        let isAccepted = if case .success = input.body { true } else { false }
        #expect(isAccepted == example.isAccepted)
        let operation = try #require(RequestCatalog.byType[String(example.type.dropLast(".v1".count))])
        #expect(input.identity.subjectKind == operation.subjectKind, "as rejections name it")
    }

    @Test(arguments: examples.filter { $0.topic == "release.events" })
    func `each release event is accepted or refused by the decoder as its name says`(example: Example) throws {
        let message = try Self.read(example).message
        let decoded = Result { try ReleaseEventDecoder().decode(message) }
        #expect(((try? decoded.get()) != nil) == (example.isAccepted || example.isIgnored))
        if example.isAccepted {
            let release = try decoded.get().content.get()
            #expect(release.artifact == "web")
            #expect(release.version == "1.4.2")
        }
        if example.isIgnored { #expect(throws: Reason.self) { try decoded.get().content.get() } }
    }

    @Test(arguments: Set(examples.map { "\($0.topic) \($0.type)" }).sorted())
    func `each type stands in the topic's list, and release events show what is refused`(name: String) throws {
        let parts = name.split(separator: " ").map(String.init)
        let text = try String(contentsOf: Self.folder.appending(path: "\(parts[0])/topic.yaml"), encoding: .utf8)
        #expect(text.contains("  - \(parts[1])\n"))
        let own = Self.examples.filter { $0.topic == parts[0] && $0.type == parts[1] }
        #expect(own.contains { $0.isAccepted })
        if parts[0] == "release.events" { #expect(own.contains { !$0.isAccepted && !$0.isIgnored }) }
    }

    typealias Bound = (type: String, path: String, most: Int)

    static let lists: [Bound] =
        ["create", "update"].flatMap(bounds(of:)) + [
            ("certificate.request", "domains", CertificateSpec.maximumDomains),
            ("certificate.upload", "domains", CertificateSpec.maximumDomains), ("environment.create", "users", 1000),
            ("environment.assign", "users", 1000), ("project.members", "owners", 1000),
            ("project.members", "members", 1000),
        ]

    private static func bounds(of verb: String) -> [Bound] {
        [
            ("autodeploy.\(verb)", "branches", 20), ("domain.\(verb)", "paths", DomainSpec.maximumPaths),
            ("network.\(verb)", "ports", NetworkSpec.maximumPorts),
            ("network.\(verb)", "externalIPs", NetworkSpec.maximumExternalIPs),
            ("network.\(verb)", "target.instances", NetworkTarget.maximumInstances),
            ("network.\(verb)", "target.endpoints", NetworkEndpoints.maximumGroups),
            ("network.\(verb)", "target.endpoints.addresses", NetworkEndpoints.maximumAddresses),
            ("network.\(verb)", "target.endpoints.ports", NetworkSpec.maximumPorts),
        ]
    }

    @Test(arguments: lists)
    func `a list may be as long in a schema as in the code`(type: String, path: String, most: Int) throws {
        let file = Self.folder.appending(path: "deployment.requests/slipway.\(type).v1.schema.json")
        var found = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        for name in path.split(separator: ".") {
            let inside = found?["items"] as? [String: Any] ?? found
            found = (inside?["properties"] as? [String: Any])?[String(name)] as? [String: Any]
        }
        #expect(found?["maxItems"] as? Int == most)
    }

    @Test func `a list that is longer than its schema says is at fault`() throws {
        let schema = try JSONSchema(Data(#"{"type":"array","maxItems":2}"#.utf8))
        #expect(try schema.faults(of: [1, 2]).isEmpty)
        #expect(try !schema.faults(of: [1, 2, 3]).isEmpty)
    }

    @Test func `the catalogue in the code is the folder's`() throws {
        for topic in Topics.all + [Topics.agentCommands("<cluster>")] {
            let folder = topic.name.replacingOccurrences(of: ".<cluster>", with: "")
            let text = try String(contentsOf: Self.folder.appending(path: "\(folder)/topic.yaml"), encoding: .utf8)
            #expect(text.contains("name: \(topic.name)\n"))
            #expect(text.contains("partitions: \(topic.partitions)\n"), "\(topic.name)")
            for (name, value) in topic.configuration {
                #expect(text.contains("  \(name): \"\(value)\"\n"), "\(topic.name)")
            }
        }
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0 != "README.md" }
        #expect(Set(folders) == Set(Topics.all.map(\.name) + ["agent.commands"]))
    }
}
