import Foundation
import Kafka
import TestSupport
import Testing

/// `slipway doctor` says which rights are missing at the brokers, and where that cannot be told.
@Suite(.ownThreads, .timeLimit(.minutes(5)))
struct AccessDoctorTests {
    private struct Finding: Decodable {
        let what: String
        let verdict: String
        let says: String
    }

    /// What the doctor finds; there is no database, which is another finding.
    private func doctor(_ brokers: String, _ arguments: [String] = [], trusted: String = "") throws -> [Finding] {
        let environment = [
            "SLIPWAY_KAFKA_BROKERS": brokers, "SLIPWAY_DATABASE_URL": "postgresql://127.0.0.1:1/none",
            "SLIPWAY_TRUSTED_REQUEST_TOPICS": trusted,
        ]
        let output = try slipway(["doctor", "--json"] + arguments, environment).output
        return try JSONDecoder().decode([Finding].self, from: Data(output.drop { $0 != "[" }.utf8))
    }

    private func slipway(_ arguments: [String], _ environment: [String: String]) throws -> (code: Int32, output: String)
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "slipway-acls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = try WorkerProcessHandle("slipway", arguments, environment: environment, folder: folder.path)
        return (try process.exitCode(), process.output)
    }

    /// Topic, group and what has no name in librdkafka 2.0.2 are 2, 3 and 5; all, read and write are 2, 3 and 4.
    private static func entries(for principal: String) -> [BrokerDouble.Entry] {
        let rights: [(Int8, Int8)] = [(2, 3), (2, 4), (3, 3), (5, 4)]
        return rights.map { type, operation in
            BrokerDouble.Entry(type: type, "slipway.", isPrefix: true, principal: principal, operation: operation)
        }
    }

    @Test func `rights that are missing are named, with the program that needs them`() throws {
        let entries =
            Self.entries(for: "User:fleet")
            + [BrokerDouble.Entry(type: 2, "slipway.cdevents", principal: "User:fleet", operation: 4, isAllowed: false)]
            + [BrokerDouble.Entry(type: 2, "slipway.cron.requests", principal: "User:*", operation: 2)]
        let broker = try BrokerDouble(entries: entries)
        let found = try doctor(
            broker.bootstrapServers,
            ["--cluster", "east", "--principal", "workers=User:fleet", "--principal", "east=User:east"],
            trusted: "cron.requests"
        ).filter { $0.what == "acls" }
        #expect(found.allSatisfy { $0.verdict == "wrong" })
        #expect(
            found.map(\.says) == [
                "an entry denies User:fleet to write the topic slipway.cdevents, as 'outbox-relay' must",
                "no entry lets User:east read the topic slipway.agent.commands.east, as 'east' must",
                "no entry lets User:east read the group slipway.agent-east, as 'east' must",
                "no entry lets User:east write the topic slipway.agent.status, slipway.resource.changes, "
                    + "slipway.agent.output, slipway.container.logs, as 'east' must",
                "everybody may write to slipway.cron.requests, whose requests need no token",
            ]
        )
    }

    @Test func `where all is allowed that is said, and where nobody knows who programs are it is a warning`() throws {
        let broker = try BrokerDouble(entries: Self.entries(for: "User:fleet"))
        let named = try doctor(broker.bootstrapServers, ["--principal", "workers=User:fleet"])
        #expect(named.first { $0.what == "acls" }?.verdict == "right")
        let others = try BrokerDouble(entries: [BrokerDouble.Entry(type: 2, "other", principal: "User:x", operation: 3)]
        )
        let unknown = try doctor(others.bootstrapServers).filter { $0.what == "acls" }
        #expect(!unknown.isEmpty && unknown.allSatisfy { $0.verdict == "warning" })
        #expect(unknown.first?.says.hasPrefix("no entry lets anybody read the topic slipway.release.events") == true)
    }

    @Test func `a topic that may not be seen is told from one that is missing`() throws {
        let broker = try BrokerDouble(topics: ["slipway.cdevents"], forbidden: ["slipway.agent.status"])
        let topics = try doctor(broker.bootstrapServers).filter { $0.what == "topics" && $0.verdict == "wrong" }.map(
            \.says
        )
        #expect(topics.contains { $0.hasPrefix("slipway.release.events is missing") }, "\(topics)")
        #expect(topics.contains { $0.hasPrefix("slipway.agent.status may not be seen by this principal") }, "\(topics)")
        #expect(topics.contains { $0.hasPrefix("slipway.cdevents has 1 partitions") }, "\(topics)")
    }

    /// Of no authoriser, of no right to read the lists, and of none at all librdkafka 2.0.2 says the same.
    @Test(arguments: [54, 31, 0])
    func `where no list can be read that is said once, and nothing is compared`(error: Int) throws {
        let broker = try error == 0 ? BrokerDouble(entries: []) : BrokerDouble(error: Int16(error))
        let found = try doctor(broker.bootstrapServers, trusted: "cron.requests").filter { $0.what == "acls" }
        #expect(found.count == 1 && found.first?.verdict == "warning")
        let says = try #require(found.first?.says)
        #expect(says.hasPrefix("the brokers tell of no entry"), "\(found)")
        #expect(says.contains("also write requests without a token to slipway.cron.requests"), "\(found)")
    }

    @Test func `an error that the embedded broker reports of a topic is told, and its lists cannot be read`() throws {
        let embedded = try KafkaMockCluster()
        try embedded.createTopic("slipway.cdevents", partitions: 1)
        try embedded.setTopicError("slipway.cdevents", .topicAuthorizationFailed)
        let found = try doctor(embedded.bootstrapServers)
        #expect(found.contains { $0.says.hasPrefix("slipway.cdevents may not be seen") }, "\(found)")
        #expect(found.contains { $0.what == "acls" && $0.says.hasPrefix("the broker does not tell them") })
        embedded.close()
    }

    @Test func `an agent's principal wants its cluster named too, and is told so`() throws {
        let (code, output) = try slipway(["doctor", "--principal", "east=User:east"], [:])
        #expect(code == 64)
        #expect(output.contains("and agents, by the clusters that '--cluster' names"), "\(output)")
    }

    @Test(arguments: ["nobody=User:x", "workers=slipway", "workers"])
    func `a principal that cannot be is refused in one sentence`(flag: String) throws {
        let (code, output) = try slipway(["doctor", "--principal", flag], [:])
        #expect(code == 64)
        #expect(output.contains("'--principal \(flag)' should be a program and its principal"), "\(output)")
    }
}
