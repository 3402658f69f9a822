import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Time ends what nobody else ends, by the database's clock and with a reason that names what is missing.
@Suite struct TimekeeperTests {
    let world: CommandWorld
    let command: UUID

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        command = try world.lastCommand()
        _ = try world.published()
    }

    /// Moves a moment of the open commands into the past.
    private func age(_ column: String, seconds: Int) throws {
        try world.connection.script(
            """
            update command set \(column) = now() - interval '\(seconds) seconds'
            where state in ('sent', 'acknowledged', 'applied')
            """
        )
    }

    @Test func `what stayed healthy succeeds and is announced: first as deployed, then as upgraded`() throws {
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try !world.passTime(), "the settling time is not over")
        try age("healthy_since", seconds: 20)
        _ = try world.published()
        #expect(try world.passTime())
        let messages = try world.published()
        #expect(messages.map(\.topic) == ["deployment.results", "instance.status", "cdevents"])
        #expect(messages[0]["state"] == "succeeded")
        #expect(messages[0]["revision"] == "4")
        #expect(messages[1]["state"] == "running")
        #expect(messages[1]["runningVersion"] == "1.0.0")
        #expect(messages[2].type == "dev.cdevents.service.deployed.0.3.0")
        #expect(messages[2].key == "shop/staging/web")
        try world.deploy("1.1.0")
        try world.succeed(try world.lastCommand())
        #expect(try world.published("cdevents").map(\.type) == ["dev.cdevents.service.upgraded.0.3.0"])
        #expect(try world.text("select running_version from instance") == "1.1.0")
    }

    @Test func `what keeps failing fails with what it shows`() throws {
        try world.report("applied", of: command, CommandReportTests.objects)
        try world.connection.script(
            """
            update command set failing_since = now() - interval '90 seconds', failing_code = 'image_pull',
                failing_reason = 'Pod web-1 cannot pull its image.' where state = 'applied'
            """
        )
        try world.passTime()
        let messages = try world.published()
        #expect(messages.last { $0.topic == "deployment.results" }?["reason.code"] == "image_pull")
        #expect(messages.last { $0.topic == "instance.status" }?["state"] == "failed")
        #expect(try world.text("select running_version from instance") == nil)
    }

    @Test(arguments: [
        ([], "not_acknowledged"), (["acknowledged"], "not_applied"), (["acknowledged", "applied"], "not_ready"),
    ])
    func `a step that takes too long ends the command, names the step and takes it back`(steps: [String], code: String)
        throws
    {
        for step in steps { try world.report(step, of: command, step == "applied" ? CommandReportTests.objects : "") }
        _ = try world.published()
        try age("step_deadline", seconds: 1)
        #expect(try world.passTime())
        let messages = try world.published()
        #expect(messages.map(\.name) == ["timed_out", "status", "withdrawn"])
        #expect(messages[0]["reason.code"] == code)
        #expect(messages[2]["command"] == command.uuidString.lowercased())
        #expect(messages[2]["instance"] == "web")
        #expect(try world.text("select state from instance") == "failed")
        #expect(try !world.passTime(), "the end is the end")
    }

    @Test func `what is not ready is named`() throws {
        try world.report("applied", of: command, CommandReportTests.objects)
        try world.connection.script(
            "update instance set health_reason = 'Deployment web: 0 of 1 replicas are available'"
        )
        try age("step_deadline", seconds: 1)
        try world.passTime()
        let result = try #require(try world.published("deployment.results").last)
        #expect(result["reason.code"] == "not_ready")
        #expect(result["reason.message"]?.contains("Deployment web: 0 of 1 replicas are available") == true)
    }

    @Test func `an agent that is silent or was never there is named as the cause`() throws {
        try world.connection.script("update cluster set last_seen = now() - interval '1 hour'")
        try age("step_deadline", seconds: 1)
        try world.passTime()
        #expect(try world.published("deployment.results").last?["reason.code"] == "agent_offline")
        try world.register("c2")
        try world.request(
            "environment.create",
            key: "shop/dev",
            #"{"project":"shop","environment":"dev","cluster":"c2"}"#
        )
        try age("step_deadline", seconds: 1)
        try world.passTime(consumedUntil: nil)
        let reason = try #require(try world.published("deployment.results").last)
        #expect(reason["reason.code"] == "agent_offline")
        #expect(reason["reason.message"]?.contains("never connected") == true)
    }

    @Test func `Slipway's own delay ends nothing for ten minutes, and then says so`() throws {
        try age("step_deadline", seconds: 590)
        #expect(try !world.passTime(consumedUntil: "now() - interval '591 seconds'"))
        try age("step_deadline", seconds: 600)
        #expect(try world.passTime(consumedUntil: "now() - interval '601 seconds'"))
        #expect(try world.published("deployment.results").last?["reason.code"] == "slipway_behind")
    }

    /// Makes so many other commands that are past their absolute limit.
    private func makeOverdue(_ count: Int) throws {
        try world.connection.script(
            """
            insert into command (id, operation, environment_id, cluster, key, subject_kind, subject_name, generation,
                state, revision, caller, request_source, request_id, request_type, created_at, changed_at, deadline,
                step_seconds, settle_seconds, failure_seconds)
            select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'instance.deploy', environment_id, cluster,
                key, 'instance', 'other', 1, 'sent', 2, '/x', '/x', n::text, 'x', now(), now(),
                now() - interval '30 seconds', step_seconds, settle_seconds, failure_seconds
            from command, generate_series(1, \(count)) n where state = 'sent'
            """
        )
    }

    @Test
    func `commands that must wait keep no other one from its end`() throws {
        try makeOverdue(250)
        try world.report("applied", of: command, #""objects":[]"#)
        try world.connection.script(
            "update command set healthy_since = now() - interval '1 hour' where state = 'applied'"
        )
        #expect(try world.passTime(consumedUntil: "now() - interval '1 minute'"))
        #expect(try world.states() == ["succeeded 4"])
    }

    @Test func `of more commands than a round ends, the one with the earliest absolute limit is ended first`() throws {
        try makeOverdue(150)
        try world.connection.script(
            "update command set deadline = now() - interval '1 minute' where id = '\(command)'"
        )
        #expect(try world.passTime())
        #expect(try world.states() == ["timed_out 3"])
    }

    @Test func `neither do those that wait for what an agent has still to tell`() throws {
        try world.connection.script(
            """
            insert into cluster (cluster, name, state, epoch, boot, last_seen, status_partition, account_heard_at,
                account_epoch, created_at)
            values ('c9', 'c9', 'connected', 1, gen_random_uuid(), now(), 0, now(), 1, now());
            insert into command (id, operation, environment_id, cluster, key, subject_kind, subject_name, generation,
                state, revision, caller, request_source, request_id, request_type, created_at, changed_at, deadline,
                step_seconds, settle_seconds, failure_seconds)
            select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'instance.deploy', environment_id, 'c9',
                key, 'instance', 'other', 1, 'applied', 3, '/x', '/x', n::text, 'x', now(), now(),
                now() - interval '30 seconds', step_seconds, settle_seconds, failure_seconds
            from command, generate_series(1, 250) n where state = 'sent'
            """
        )
        try world.connection.script("update command set deadline = now() - interval '1 second' where cluster = 'c1'")
        #expect(try world.passTime())
        #expect(try world.published("deployment.results").map { $0["reason.code"] } == ["not_acknowledged"])
    }

    @Test
    func `an environment that was not made in time is taken back by its namespace and may be asked for again`()
        throws
    {
        let body = #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        try world.request("environment.create", key: "shop/dev", body)
        let first = try #require(try world.published("agent.commands.c1").last)
        try age("deadline", seconds: 1)
        try world.passTime()
        let withdrawn = try #require(
            try world.published("agent.commands.c1").last { $0["namespace"] == "shop-dev" }
        )
        #expect(withdrawn.name == "withdrawn")
        #expect(withdrawn["namespace"] == "shop-dev")
        #expect(withdrawn["instance"] == "", "an agent takes an empty instance as the namespace")
        #expect(try world.request("environment.create", key: "shop/dev", body) == .applied)
        let again = try #require(try world.published("agent.commands.c1").last)
        #expect(again.name == "namespace_requested")
        let generations = [first, withdrawn, again].map { Int($0["generation"] ?? "") ?? 0 }
        #expect(generations[1] == generations[0])
        #expect(generations[2] > generations[1], "an agent drops what is not newer than what was taken back")
    }

    @Test(arguments: [
        """
        insert into parked_key (consumer_group, topic, key, partition, due, attempt, messages, bytes, reason_code,
            reason, parked_at)
        values ('agents', 'agent.status', 'c1', 0, now(), 1, 1, 1, 'x', 'x', now() - interval '1 minute')
        """,
        """
        insert into topic_growth (topic, partitions_before, partitions_after, begun_at)
        values ('agent.status', 1, 2, now() - interval '1 minute')
        """,
    ])
    func `an agent whose messages are parked, or may lie in a new partition, is not taken for silent`(wait: String)
        throws
    {
        try world.connection.script(wait)
        try world.connection.script("update cluster set last_seen = now() - interval '40 seconds'")
        try age("step_deadline", seconds: 20)
        #expect(try !world.passTime())
        #expect(try world.text("select state from cluster") == "connected")
        try world.connection.script("delete from parked_key; delete from topic_growth")
        #expect(try world.passTime())
        #expect(try world.text("select state from cluster") == "lost")
        #expect(try world.published("deployment.results").last?["state"] == "timed_out")
    }

    @Test func `an agent that may have moved to a new partition is not taken for silent before it is read`() throws {
        func isQuiet() throws -> Bool {
            guard try !world.timekeeper().round(on: world.connection) else { return false }
            return try world.text("select state from cluster") == "connected"
        }
        try world.connection.script(
            """
            insert into topic_growth (topic, partitions_before, partitions_after, begun_at, ends)
            values ('agent.status', 1, 2, now() - interval '1 minute', array[0]);
            update cluster set last_seen = now() - interval '40 seconds'
            """
        )
        try age("step_deadline", seconds: 20)
        try world.read(status: "now()", changes: "now()")
        #expect(try isQuiet(), "the old one is read to its end, and nobody has claimed the new one")
        try world.connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset)
            values ('agents', 'agent.status', 1, 0)
            """
        )
        #expect(try isQuiet(), "it is claimed, and not read")
        try world.connection.script(
            "update partition_claim set consumed_until = now() - interval '41 seconds' where partition = 1"
        )
        #expect(try isQuiet(), "it is read up to a time at which the agent was there")
        try world.connection.script("update partition_claim set consumed_until = now()")
        #expect(try world.timekeeper().round(on: world.connection))
        #expect(try world.text("select state from cluster") == "lost")
        #expect(try world.published("deployment.results").last?["state"] == "timed_out")
    }

    @Test func `an agent is lost when its messages were read past its lease, and is back with the next one`() throws {
        try world.connection.script("update cluster set last_seen = now() - interval '31 seconds'")
        #expect(try !world.passTime(consumedUntil: "now() - interval '2 seconds'"), "it may have spoken meanwhile")
        #expect(try world.text("select state from cluster") == "connected")
        #expect(try world.passTime())
        #expect(try world.text("select state from cluster") == "lost")
        try world.follow([world.status("heartbeat", #"{"boot":"\#(CommandWorld.boot)"}"#)])
        #expect(try world.text("select state from cluster") == "connected")
    }
}
