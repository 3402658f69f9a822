import Foundation
import Kafka
import WorkerRuntime

/// What the demo does and shows: a project with a rule, then a release event that becomes a running instance.
final class DemoStory {
    private let world: DemoWorld
    private let terminal: Terminal
    private let stop: DemoStop
    private let limit: Duration
    private let prefix = "slipway."

    init(world: DemoWorld, terminal: Terminal, stop: DemoStop, limit: Duration) {
        self.world = world
        self.terminal = terminal
        self.stop = stop
        self.limit = limit
    }

    /// Makes a project, a cluster, an environment, an application and a rule, each by a request.
    func prepare(_ requests: DemoRequests, failure: String?) throws {
        let root = DemoWorld.administrator
        try requests.ask(
            "project.create",
            ["project=shop", "owners:=[\"\(DemoWorld.owner)\"]"],
            "the project shop, owned by \(DemoWorld.owner)",
            as: root
        )
        try requests.ask(
            "cluster.register",
            ["cluster=\(DemoWorld.cluster)"],
            "the cluster \(DemoWorld.cluster)",
            as: root
        )
        try world.startAgent()
        try requests.ask(
            "environment.create",
            ["project=shop", "environment=staging", "cluster=\(DemoWorld.cluster)"],
            "the environment shop/staging, a namespace of its own"
        )
        try requests.ask("application.create", ["project=shop", "application=web"], "the application web")
        let values = failure.map { "replicaCount: 2\\nsimulate:\\n  failure: \($0)\\n" } ?? "replicaCount: 2\\n"
        try requests.ask(
            "autodeploy.create",
            [
                "project=shop", "environment=staging", "application=web", "instance=web", "versions=>=1.0.0",
                "values=\(values)",
            ],
            "a rule: every version of web from 1.0.0 on is deployed to shop/staging"
        )
    }

    /// Publishes a release event and follows it; returns whether the instance runs in the end.
    func release(_ version: String) throws -> Bool {
        terminal.line(
            "\n\(terminal.paint("A release event is published:", .bold)) CDEvents artifact.published of web \(version)\n"
        )
        let reader = try KafkaReader(world.kafka)
        defer { reader.close() }
        let topics = [
            "deployment.requests", "deployment.results", "agent.commands.\(DemoWorld.cluster)", "agent.status",
            "instance.status",
        ]
        try reader.read(topics.map { prefix + $0 }, fromBeginning: false)
        let outgoing = try Outgoing(
            what: "artifact.published",
            set: [],
            file: nil,
            purl: "pkg:oci/web?repository_url=registry.example/shop/web&tag=\(version)",
            source: "/pipelines/web",
            id: UUID().uuidString.lowercased()
        )
        let sender = try MessageSender(world.kafka, prefix: prefix)
        var timeline = DemoTimeline(terminal: terminal)
        try sender.send(outgoing)
        sender.close()
        timeline.note("release event", "published by /pipelines/web")
        while timeline.elapsed < limit {
            try stop.check()
            try world.checkChildren()
            guard let message = try reader.next(timeout: .milliseconds(100)) else { continue }
            timeline.take(message, topic: String(message.topic.dropFirst(prefix.count)))
            if let end = timeline.end {
                return finish(end, timeline)
            }
        }
        terminal.line(terminal.paint("\nnothing came to an end within \(limit)", .red))
        return false
    }

    private func finish(_ end: String, _ timeline: DemoTimeline) -> Bool {
        terminal.line()
        timeline.summarize()
        let isRunning = end == "succeeded"
        terminal.line(
            isRunning
                ? "\n\(terminal.paint("The instance web runs in shop/staging.", .green))"
                : "\n\(terminal.paint("The deployment ended as \(end): \(timeline.reason ?? "no reason was given")", .red))"
        )
        return isRunning
    }
}
