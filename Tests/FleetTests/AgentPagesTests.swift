import Foundation
import TestSupport
import Testing

/// An agent shows orchestrators and Prometheus how it does, as every worker does.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct AgentPagesTests {
    @Test func `an agent is alive at once, ready when welcomed, and counts what it does`() throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        let port = try WebPage.freePort()
        let agent = try world.start(
            "cluster-agent",
            ["--simulate", "--without-helm", "--cluster", "test", "--speed", "4", "--http-port", "\(port)"],
            ["SLIPWAY_AGENT_KEY": try FleetKeys.clusterKey("test", environment: world.environment)]
        )
        let first = try eventually("the agent's page") { try WebPage.get(port: port, "/livez") }
        #expect(first == WebPage(status: 200, body: "alive\n"))
        #expect(try WebPage.get(port: port, "/readyz") == WebPage(status: 503, body: "not ready\n"))
        for worker in ["deployment-worker", "agent-worker", "outbox-relay"] { _ = try world.start(worker) }
        try world.request("project.create", key: "shop", id: "p", #"{"project":"shop"}"#)
        try world.request("cluster.register", key: "test", id: "c", #"{"cluster":"test"}"#)
        _ = try eventually("the project") { try world.number("select count(*) from project") == 1 ? true : nil }
        _ = try eventually("a welcomed agent") {
            try WebPage.get(port: port, "/readyz") == WebPage(status: 200, body: "ready\n") ? true : nil
        }
        try world.request(
            "environment.create",
            key: "shop/staging",
            id: "e",
            #"{"project":"shop","environment":"staging","cluster":"test"}"#
        )
        let lines = try eventually("the command in the metrics") { () throws -> [String]? in
            let lines = try WebPage.get(port: port, "/metrics").body.split(separator: "\n").map(String.init)
            return lines.contains(#"slipway_agent_commands_total{cluster="test",outcome="applied"} 1"#) ? lines : nil
        }
        #expect(lines.contains(#"slipway_agent_commands_total{cluster="test",outcome="failed"} 0"#))
        #expect(lines.contains(#"slipway_agent_epoch{cluster="test"} 1.0"#))
        #expect(lines.contains(#"slipway_agent_gaps_total{cluster="test"} 0"#))
        #expect(lines.contains { $0.hasPrefix(#"slipway_agent_objects_watched{cluster="test"} "#) })
        #expect(
            lines.contains { $0.hasPrefix(#"slipway_agent_messages_sent_total{cluster="test",topic="agent.status"} "#) }
        )
        agent.signal(SIGTERM)
        #expect(try agent.exitCode() == 0)
    }

    @Test func `a port that is none ends the start with one sentence`() throws {
        let world = try FleetWorld(topics: [])
        let agent = try world.start(
            "cluster-agent",
            ["--simulate", "--cluster", "test", "--http-port", "http"],
            ["SLIPWAY_AGENT_KEY": try FleetKeys.clusterKey("test", environment: world.environment)]
        )
        #expect(try agent.exitCode() == 64)
        #expect(agent.output.contains("SLIPWAY_HTTP_PORT is 'http'; it should be a whole number from 0 to 65535."))
    }
}
