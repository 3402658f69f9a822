import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What agents report of commands: each step once, nothing after the end.
@Suite struct CommandReportTests {
    let world: CommandWorld
    let command: UUID
    static let objects = #"""
        "objects":[{"apiVersion":"apps/v1","kind":"Deployment","namespace":"shop-staging","name":"web","uid":"u1","generation":1}]
        """#

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        command = try world.lastCommand()
        _ = try world.published()
    }

    @Test func `each step is published once, in order`() throws {
        try world.report("acknowledged", of: command)
        try world.report("acknowledged", of: command)
        try world.report("applied", of: command, Self.objects)
        try world.report("applied", of: command, Self.objects)
        #expect(try world.results() == ["acknowledged 3", "applied 4"])
        #expect(try world.text("select count(*) from command_step where command = '\(command)'") == "4")
    }

    @Test func `applied without acknowledged says both`() throws {
        try world.report("applied", of: command, Self.objects)
        try world.report("acknowledged", of: command)
        #expect(try world.results() == ["applied 3"])
    }

    @Test func `a hook Job that runs has the whole command's time, and what follows it has its own`() throws {
        func stage(_ state: String) throws {
            let stage = #""stage":{"name":"migrate","kind":"pre-install","weight":0,"state":"\#(state)"}"#
            try world.report("progressed", of: command, stage)
        }
        func deadline() throws -> String? {
            try world.text(
                """
                select case when step_deadline = deadline then 'the command''s' else 'the step''s' end
                from command where id = '\(command)'
                """
            )
        }
        try world.report("acknowledged", of: command)
        #expect(try deadline() == "the step's")
        try stage("running")
        #expect(try deadline() == "the command's")
        try stage("succeeded")
        #expect(try deadline() == "the step's")
    }

    @Test func `an agent that says again that it has a command gives its step its time anew, and never less`() throws {
        func limit(_ seconds: Int) throws {
            try world.connection.script(
                "update command set step_deadline = now() + interval '\(seconds) seconds' where id = '\(command)'"
            )
        }
        let left = "extract(epoch from step_deadline - now()) > step_seconds[2] - 60 and step_deadline <= deadline"
        let isExtended = "select (\(left))::text from command where id = '\(command)'"
        try world.report("acknowledged", of: command)
        try limit(1)
        try world.report("acknowledged", of: command)
        #expect(try world.text(isExtended) == "true")
        #expect(try world.results() == ["acknowledged 3"])
        #expect(try world.text("select count(*) from command_step where command = '\(command)'") == "3")
        try world.connection.script("update command set step_deadline = deadline where id = '\(command)'")
        try world.report("acknowledged", of: command)
        let isWhole = "select (step_deadline = deadline)::text from command where id = '\(command)'"
        #expect(try world.text(isWhole) == "true", "a hook that runs has the command's time")
    }

    @Test func `an agent that says again what it applied leaves what was seen of its rollout`() throws {
        try world.report("applied", of: command, Self.objects)
        try world.connection.script(
            "update command set objects = jsonb_set(objects, '{0,advance}', '2') where id = '\(command)'"
        )
        try world.report("applied", of: command, Self.objects)
        let seen = "concat_ws(' ', objects #>> '{0,advance}', objects #>> '{0,uid}')"
        #expect(try world.text("select \(seen) from command where id = '\(command)'") == "2 u1")
    }

    @Test func `a failure ends the command with the agent's reason and frees the instance`() throws {
        try world.report("failed", of: command, #""code":"helm_failed","message":"No such chart.""#)
        let messages = try world.published()
        #expect(messages.map(\.topic) == ["deployment.results", "instance.status"])
        #expect(messages[0]["reason.code"] == "helm_failed")
        #expect(messages[0]["reason.message"] == "No such chart.")
        #expect(messages[1]["state"] == "failed")
        #expect(messages[1]["command"] == nil)
        #expect(try world.text("select open_command from instance") == nil)
    }

    @Test
    func `a report of a generation that is not the command's moves nothing`() throws {
        try world.report("applied", of: command, Self.objects, generation: 7)
        #expect(try world.results() == [])
        #expect(try world.states() == ["sent 2"])
    }

    @Test func `a report of a command that nobody knows moves nothing`() throws {
        try world.report("acknowledged", of: UUID())
        #expect(try world.results() == [])
    }

    @Test
    func `what comes after the end is written to the ledger as late and moves nothing`() throws {
        try world.report("failed", of: command, #""code":"x","message":"y""#)
        _ = try world.published()
        try world.report("acknowledged", of: command)
        // Who waits for room says it every half minute.
        try world.report("acknowledged", of: command)
        #expect(try world.results() == [])
        #expect(try world.states() == ["failed 4"])
        let late = try world.text(
            "select string_agg(state || ' ' || revision, ',') from command_step where command = '\(command)' and late"
        )
        #expect(late == "acknowledged 4")
    }

    @Test
    func `a result that comes after the time-out changes what runs, and the command stays ended`() throws {
        try world.connection.script("update command set deadline = now() - interval '1 second' where state = 'sent'")
        try world.passTime()
        #expect(try world.states() == ["timed_out 3"])
        _ = try world.published()
        try world.report("applied", of: command, Self.objects)
        let messages = try world.published()
        #expect(messages.map(\.topic) == ["instance.status"])
        #expect(messages.first?["runningVersion"] == "1.0.0")
        #expect(messages.first?["state"] == "running")
        #expect(try world.states() == ["timed_out 4"])
        #expect(try world.text("select running_generation from instance") == "1")
    }

    @Test
    func `a late result of an older generation changes nothing of what runs`() throws {
        try world.deploy("1.1.0")
        let newer = try world.lastCommand()
        try world.connection.script("update command set deadline = now() - interval '1 second' where state = 'sent'")
        try world.passTime()
        try world.report("applied", of: newer, Self.objects)
        try world.report("applied", of: command, Self.objects)
        #expect(try world.text("select running_version from instance") == "1.1.0")
    }

    @Test
    func `an upgrade after a failed one keeps the values of the last that did not fail`() throws {
        try world.succeed(command)
        try world.deploy("1.1.0", #""values":"broken: true""#)
        try world.report("failed", of: try world.lastCommand(), #""code":"x","message":"y""#)
        _ = try world.published()
        try world.request(
            "instance.upgrade",
            key: "shop/staging",
            #"{"project":"shop","environment":"staging","instance":"web","version":"1.1.0"}"#
        )
        #expect(try world.published("agent.commands.c1").last?["values"] == "replicas: 1\n")
    }

    @Test func `an upgrade of what never ran keeps the values that were asked for`() throws {
        try world.deploy("1.0.0", #""values":"color: red""#, instance: "api")
        try world.report("failed", of: try world.lastCommand(), #""code":"x","message":"y""#)
        _ = try world.published()
        try world.request(
            "instance.upgrade",
            key: "shop/staging",
            #"{"project":"shop","environment":"staging","instance":"api","version":"1.1.0"}"#
        )
        #expect(try world.published("agent.commands.c1").last?["values"] == "replicas: 1\ncolor: red\n")
    }
}

extension CommandWorld {
    /// Lets a command be applied and stay healthy for its settling time.
    func succeed(_ command: UUID) throws {
        try report("applied", of: command, #""objects":[]"#)
        try connection.query(
            "update command set healthy_since = now() - interval '1 hour' where id = $1",
            [.uuid(command)]
        )
        try passTime()
    }
}
