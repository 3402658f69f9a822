import Domain
import Foundation
import Testing
import WorkerRuntime

/// What programs must be allowed to do at the brokers is what `topics/` says of readers and writers.
@Suite struct TopicAccessTests {
    private static let needs = Topics.access(clusters: ["east"], trusted: ["cron.requests"], prefix: "a.")

    private func programs(_ act: AccessNeed.Act, _ topic: String) -> Set<String> {
        Set(
            Self.needs.filter { $0.act == act && $0.kind == .topic && $0.name == "a." + topic }
                .map { $0.program == "east" ? "agent" : $0.program }
        )
    }

    /// The programs that a line of `topic.yaml` names; what others do is not the fleet's.
    private func named(_ role: String, in text: String) -> Set<String> {
        let line = text.split(separator: "\n").first { $0.hasPrefix(role + ":") } ?? ""
        let workers = ["release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay"]
        return Set(
            workers.filter { line.contains($0) } + (line.contains("agent") && !line.contains("agent-") ? ["agent"] : [])
        )
    }

    @Test(
        arguments: try FileManager.default.contentsOfDirectory(atPath: TopicsTests.folder.path).filter {
            !$0.contains("README")
        }
    )
    func `readers and writers are those of the topic's description`(topic: String) throws {
        let text = try String(contentsOf: TopicsTests.folder.appending(path: "\(topic)/topic.yaml"), encoding: .utf8)
        let name = topic == "agent.commands" ? "agent.commands.east" : topic
        #expect(programs(.read, name) == named("readers", in: text))
        // What workers write is in the outbox, so the relay is who writes it.
        let writers = named("writers", in: text)
        #expect(programs(.write, name) == (writers.isEmpty || writers == ["agent"] ? writers : ["outbox-relay"]))
    }

    @Test func `every topic of the fleet is needed by a program, and every need is of a topic or group of the fleet`() {
        let topics = Set(Topics.complete(clusters: ["east"], trusted: ["cron.requests"]).map { "a." + $0.name })
        #expect(Set(Self.needs.filter { $0.kind == .topic }.map(\.name)) == topics)
        let groups = Set(Self.needs.filter { $0.kind == .group }.map(\.name))
        #expect(
            groups == [
                "a.release-worker", "a.deployment-worker", "a.deployment-worker.cron.requests", "a.agent-worker",
                "a.agent-worker.agent.output", "a.resource-worker", "a.agent-east",
            ]
        )
        #expect(programs(.read, "cron.requests") == ["deployment-worker"])
        #expect(programs(.write, "cron.requests").isEmpty, "whoever writes to it is trusted")
        #expect(programs(.write, "cron.requests.dlt") == ["outbox-relay"])
    }

    @Test func `a relay without transactions needs no transactional id`() {
        #expect(Self.needs.filter { $0.kind == .transactionalID }.map(\.name) == ["a.outbox-"])
        #expect(
            !Topics.access(clusters: [], prefix: "", isTransactional: false).contains { $0.kind == .transactionalID }
        )
    }
}
