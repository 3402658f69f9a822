import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// After a recovery agents come back by themselves, and what is open goes on.
@Suite struct RecoveryTests {
    private static let jump: Int64 = 1 << 32
    let world: CommandWorld
    let command: String

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        command = try world.lastCommand().uuidString.lowercased()
        _ = try world.published()
        try world.connection.script("update installation set timeline = timeline + 1")
        let report = try Recovery(fleetKey: world.fleetKey).run(on: world.connection)
        #expect(report.openCommands == 1)
        #expect(report.clusters == 1)
        #expect(report.published == 2)
    }

    @Test func `the agent is asked for its hello once a batch and not told to stop`() throws {
        let asked = try #require(try world.published("agent.commands.c1").first)
        #expect(asked.name == "hello_requested")
        #expect(asked.headers["ce_epoch"] == String(Self.jump + 1))
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        #expect(
            try world.follow([world.status("heartbeat", beat), world.status("heartbeat", beat)]) == [.stale, .stale]
        )
        #expect(try world.published("agent.commands.c1").map(\.name) == ["hello_requested"])
    }

    @Test func `an agent that began after the back-up is asked for its hello too, a superseded one is told to stop`()
        throws
    {
        let later = "0b000000-0000-4000-8000-000000000009"
        _ = try world.published()
        try world.follow([world.status("heartbeat", #"{"boot":"\#(later)"}"#, epoch: 2)])
        #expect(try world.published("agent.commands.c1").map(\.name) == ["hello_requested"])
        try world.connect("c1", boot: later)
        _ = try world.published()
        try world.follow([world.status("heartbeat", #"{"boot":"\#(CommandWorld.boot)"}"#)])
        #expect(try world.published("agent.commands.c1").map(\.name) == ["superseded"])
    }

    @Test func `the same boot goes on under a new epoch, gets its open command again and ends it`() throws {
        _ = try world.published()
        #expect(try world.connect("c1") == .applied)
        let messages = try world.published("agent.commands.c1")
        #expect(messages.map(\.name) == ["welcomed", "release_requested"])
        #expect(messages[0]["epoch"] == String(Self.jump + 1))
        #expect(messages[1]["command"] == command)
        let id = try world.lastCommand()
        #expect(try world.report("acknowledged", of: id, epoch: Self.jump + 1) == .applied)
        let result = try #require(try world.published("deployment.results").last)
        #expect(result["state"] == "acknowledged")
        #expect(result["revision"] == String(Self.jump + 3))
        try world.deploy("1.1.0")
        let next = try #require(try world.published("agent.commands.c1").last { $0.name == "release_requested" })
        #expect(next["generation"] == String(Self.jump + 2), "no agent has seen a later one")
    }

    @Test func `a database that the fleet worked with is not touched`() throws {
        #expect(throws: StartError.self) {
            try Recovery(fleetKey: world.fleetKey).run(on: world.connection)
        }
        #expect(try world.text("select revision from project") == String(Self.jump + 1))
    }

    @Test func `a recovery takes as long as the database is large`() throws {
        try world.connection.script(
            """
            update installation set timeline = timeline + 1;
            create function take_long() returns trigger language plpgsql as $$
            begin perform pg_sleep(0.3); return new; end $$;
            create trigger take_long before update on environment for each row execute function take_long()
            """
        )
        var configuration = PostgresConfiguration(url: world.url)
        configuration.statementTimeout = .milliseconds(200)
        configuration.answerTimeout = .milliseconds(250)
        let hasty = try PostgresConnection(configuration)
        defer { hasty.close() }
        #expect(try Recovery(fleetKey: world.fleetKey).run(on: hasty).environments == 1)
        #expect(throws: PostgresError.self, "the limit holds again") { try hasty.query("select pg_sleep(10)") }
    }

    @Test func `what is made again after the back-up begins behind what was seen of it`() throws {
        try world.request("project.create", key: "late", #"{"project":"late","owners":["olga"]}"#, as: "root")
        try world.register("c2")
        try world.connect("c2")
        try world.request("application.create", key: "late", #"{"project":"late","application":"web"}"#)
        try world.request(
            "environment.create",
            key: "late/staging",
            #"{"project":"late","environment":"staging","cluster":"c2"}"#
        )
        let made = try world.lastCommand()
        #expect(
            try world.report("applied", of: made, #""objects":[]"#, cluster: "c2", epoch: Self.jump + 1) == .applied
        )
        let target = #""project":"late","environment":"staging","application":"web","instance":"web""#
        try world.request("autodeploy.create", key: "late/staging", "{\(target)}")
        try world.request("instance.deploy", key: "late/staging", #"{\#(target),"version":"1.0.0"}"#)
        try world.request(
            "config-map.create",
            key: "late/staging",
            #"{"project":"late","environment":"staging","configMap":"settings","data":{"color":"red"}}"#
        )
        for counter in [
            "min(revision) from project", "min(revision) from cluster", "min(epoch) from cluster",
            "min(revision) from application", "min(revision) from environment", "min(revision) from auto_deploy_rule",
            "min(revision) from instance", "min(generation) from instance", "min(revision) from environment_object",
            "min(generation) from environment_object",
            "min(revision) from command where environment_id = 2",
            "min(generation) from command where environment_id = 2",
        ] {
            let number = Int64(try world.text("select \(counter)") ?? "") ?? 0
            #expect(number > Self.jump, "\(counter)")
        }
        let published = try world.published()
        let results = published.filter { $0.topic == "deployment.results" && $0.key.hasPrefix("late") }
        #expect(results.count == 3 + 3 + 4 + 3 + 2 + 2, "project, application, environment, rule, instance, map")
        #expect(results.allSatisfy { Int64($0["revision"] ?? "") ?? 0 > Self.jump })
        #expect(results.last?["revision"] == String(Self.jump + 2))
        let asked = try #require(published.last { $0.name == "release_requested" })
        #expect(asked["generation"] == String(Self.jump + 1))
    }

    @Test func `every counter that others compare begins behind what a recovery passed`() throws {
        // Given by others, raised by their own statements, or history.
        let others = [
            "command.revision", "command.generation", "command_step.revision", "resource.revision",
            "resource.generation", "resource.epoch", "resource_stream.epoch", "agent_boot.epoch",
            "partition_claim.epoch", "outbox_lease.epoch", "deployment.generation", "object_attempt.generation",
        ]
        let wrong = try world.connection.query(
            """
            select table_name || '.' || column_name || ' ' || coalesce(column_default, 'none')
            from information_schema.columns
            where table_schema = 'public' and column_name in ('revision', 'generation', 'epoch')
                and not (select relispartition from pg_class where oid = table_name::regclass)
                and table_name || '.' || column_name <> all($1)
                and coalesce(column_default, '') not in ('first_number()', 'numbers_begin()')
            """,
            [.array(.texts(others))]
        ).map { try $0.string(0) }
        #expect(wrong.isEmpty, "give them 'default first_number()', see V0001_runtime.sql: \(wrong)")
    }
}

/// Objects that are seen again after a recovery.
@Suite struct RecoveredResourceTests {
    private static let jump: Int64 = 1 << 32

    @Test func `an object that is new to a recovered database begins behind what was seen of it`() throws {
        let world = try ResourceWorld()
        try world.handle([AgentMessage.gone("Pod", "unseen", uid: "p-unseen", 1, 1)])
        try world.connection.script(
            """
            insert into installation (system_identifier, timeline, outbox_shards, numbers_begin)
                values ('1', 1, 8, \(Self.jump))
            """
        )
        try world.handle([
            AgentMessage.changed(AgentMessage.deployment("web"), 1, 2),
            AgentMessage.changed(AgentMessage.pod("unseen"), 1, 3),
            AgentMessage.gone("Pod", "other", uid: "p-other", 1, 4),
        ])
        #expect(
            try world.objects() == [
                "Deployment web u1 healthy \(Self.jump + 1)", "Pod unseen p-unseen healthy \(Self.jump + 1)",
            ]
        )
        let hidden = "select revision from resource where name = 'other'"
        #expect(try world.connection.query(hidden).only().int64(0) == 0, "nobody has seen it")
        try world.handle([AgentMessage.changed(AgentMessage.deployment("web", available: 0), 1, 5)])
        #expect(try world.objects().first?.hasSuffix(" \(Self.jump + 2)") == true)
    }
}
