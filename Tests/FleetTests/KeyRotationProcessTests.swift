import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// A cluster's key is rotated from the command line while its agent works.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct KeyRotationProcessTests {
    private func agent(_ key: String, _ world: FleetWorld) throws -> WorkerProcessHandle {
        try world.start(
            "cluster-agent",
            ["--simulate", "--without-helm", "--cluster", "test", "--speed", "4"],
            ["SLIPWAY_AGENT_KEY": key]
        )
    }

    private func waitFor(_ what: String, _ world: FleetWorld, _ sql: String) throws {
        _ = try eventually(what) { try world.number(sql) == 1 ? true : nil }
    }

    @Test func `a key is rotated without a gap, and the old one ends when it is retired`() throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        for worker in ["deployment-worker", "agent-worker", "outbox-relay"] { _ = try world.start(worker) }
        try world.request("project.create", key: "shop", id: "p", #"{"project":"shop"}"#)
        try world.request("cluster.register", key: "test", id: "c", #"{"cluster":"test"}"#)
        try waitFor("the cluster", world, "select count(*) from cluster")
        let oldKey = try FleetKeys.clusterKey("test", environment: world.environment)
        let old = try agent(oldKey, world)
        try waitFor("the agent", world, "select count(*) from cluster where agent_key_id = 1 and epoch = 1")

        let tooEarly = try world.start("slipway", ["keys", "retire", "test"])
        #expect(try tooEarly.exitCode() != 0)
        let rotate = try world.start("slipway", ["keys", "rotate", "test"])
        #expect(try rotate.exitCode() == 0)
        let keys = try #require(rotate.output.split(separator: "\n").first { $0.hasPrefix("2:") })
        try world.request(
            "environment.create",
            key: "shop/staging",
            id: "e",
            #"{"project":"shop","environment":"staging","cluster":"test"}"#
        )
        try waitFor("work with the old key", world, "select count(*) from environment where state = 'active'")

        old.signal(SIGTERM)
        #expect(try old.exitCode() == 0)
        let new = try agent(String(keys), world)
        try waitFor("the new key", world, "select count(*) from cluster where agent_key_id = 2 and epoch = 2")
        let retire = try world.start("slipway", ["keys", "retire", "test"])
        #expect(try retire.exitCode() == 0)
        try world.request(
            "environment.create",
            key: "shop/dev",
            id: "e2",
            #"{"project":"shop","environment":"dev","cluster":"test"}"#
        )
        try waitFor(
            "work with the new key",
            world,
            "select count(*) from environment where state = 'active' and environment = 'dev'"
        )
        #expect(try world.number("select sum(dead_lettered)::bigint from partition_claim") == 0)
        new.signal(SIGTERM)
        #expect(try new.exitCode() == 0)

        _ = try agent(oldKey, world)
        try waitFor(
            "the retired key refused",
            world,
            "select count(*) from partition_claim where topic = 'agent.status' and dead_lettered > 0"
        )
        let letter = try eventually("a dead letter") { try world.messages(on: "agent.status.dlt").first }
        #expect(letter.header("slipway-reason-code") == "retired_key")
        #expect(try world.number("select epoch from cluster") == 2)
    }
}
