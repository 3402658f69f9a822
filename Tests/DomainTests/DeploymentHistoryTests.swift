import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What an instance may be rolled back to: what succeeded, itself or with what took its place, in the life that it has.
@Suite struct DeploymentHistoryTests {
    let world: CommandWorld

    /// An instance that runs the version 1.0.0.
    init() throws {
        world = try CommandWorld.ready()
        try world.publishVersion("1.2.0")
        try world.deploy("1.0.0")
        try world.succeed(try world.lastCommand())
        _ = try world.published()
    }

    private func upgrade(_ version: String) throws -> UUID {
        try world.order("upgrade", #""version":"\#(version)""#)
    }

    /// The deployments, oldest first: generation, operation, version and outcome.
    private func history() throws -> [String] {
        try world.connection.query(
            "select concat_ws(' ', generation, operation, version, outcome) from deployment order by generation"
        ).map { try $0.string(0) }
    }

    /// Rolls back; returns what the agent is told.
    private func rollback() throws -> Published? {
        _ = try world.published()
        try world.order("rollback")
        return try world.published("agent.commands.c1").last
    }

    /// Why a rollback is refused, and the field that is named.
    private func refusal(_ more: String = "") throws -> String? {
        try world.refusal("instance.rollback", #""instance":"web"\#(more)"#)
    }

    @Test(arguments: [("restart", ""), ("scale", #""workload":"Deployment/web","replicas":3"#), ("stop", "")])
    func `a deployment that succeeded with what took its place is gone back to`(verb: String, more: String) throws {
        _ = try upgrade("1.1.0")
        try world.succeed(try world.order(verb, more))
        try world.succeed(try upgrade("1.2.0"))
        #expect(
            try history() == [
                "1 instance.deploy 1.0.0 succeeded", "2 instance.upgrade 1.1.0 superseded",
                "3 instance.\(verb) 1.1.0 succeeded", "4 instance.upgrade 1.2.0 succeeded",
            ]
        )
        #expect(try Verification.differences(on: world.connection) == [])
        #expect(try refusal(#","version":"1.1.0","dryRun":true"#) == nil)
        #expect(try rollback()?["version"] == "1.1.0")
    }

    @Test(arguments: ["", #","version":"1.0.0""#, #","version":"v1.0.0""#, #","revision":1"#])
    func `however many deployments came since, an earlier one is gone back to`(target: String) throws {
        try world.succeed(try upgrade("1.1.0"))
        try world.connection.script(
            """
            insert into deployment
            select (jsonb_populate_record(d, jsonb_build_object('generation', n))).*
            from deployment d, generate_series(3, 403) n where d.generation = 2;
            update instance set generation = 403
            """
        )
        #expect(try refusal(target + #","dryRun":true"#) == nil)
        _ = try world.published()
        #expect(try world.ask("instance.rollback", #""instance":"web"\#(target)"#) == .applied)
        #expect(try world.published("agent.commands.c1").last?["version"] == "1.0.0")
    }

    @Test func `so is one that time ended before its success came`() throws {
        let late = try upgrade("1.1.0")
        try world.end(late, as: "timed_out")
        try world.report("applied", of: late, #""objects":[]"#)
        try world.succeed(try world.order("restart"))
        try world.succeed(try upgrade("1.2.0"))
        #expect(try rollback()?["version"] == "1.1.0")
    }

    @Test func `the same version with a chart that became known since is gone back from`() throws {
        try world.connection.script("update version set chart_name = 'web' where version = '1.0.0'")
        try world.succeed(try world.order("deploy", #""application":"web","version":"1.0.0""#))
        let release = try #require(try rollback())
        #expect(release["version"] == "1.0.0" && release["image"] == "web:1.0.0" && release["chart"] == nil)
    }

    @Test func `what brings nothing new is no deployment`() throws {
        for verb in ["restart", "stop", "start"] { try world.succeed(try world.order(verb)) }
        #expect(try history() == ["1 instance.deploy 1.0.0 succeeded"])
    }

    @Test func `a deployment that nothing brought is not gone back to`() throws {
        _ = try upgrade("1.1.0")
        try world.end(try world.order("restart"), as: "canceled")
        try world.succeed(try world.order("restart"))
        #expect(try refusal(#","version":"1.1.0""#) == "no_rollback_target version")
    }

    @Test func `what was taken back, alone or with what took its place, is not what is gone back from`() throws {
        try world.succeed(try upgrade("1.1.0"))
        try world.end(try upgrade("1.2.0"), as: "canceled")
        #expect(try rollback()?["version"] == "1.0.0")
        try world.end(try world.lastCommand(), as: "canceled")
        _ = try upgrade("1.2.0")
        try world.end(try world.order("restart"), as: "canceled")
        #expect(try rollback()?["version"] == "1.0.0")
    }

    @Test func `where nothing was deployed that was not taken back, there is nothing to go back to`() throws {
        try world.succeed(try world.order("delete"))
        try world.end(try world.order("deploy", #""application":"web","version":"1.1.0""#), as: "canceled")
        #expect(try refusal() == "no_rollback_target instance")
    }

    @Test func `what failed is gone back from, whatever was taken back since`() throws {
        try world.succeed(try upgrade("1.1.0"))
        try world.end(try upgrade("1.2.0"), as: "failed")
        try world.end(try world.order("configure", #""values":"color: blue""#), as: "canceled")
        #expect(try rollback()?["version"] == "1.1.0")
    }

    @Test func `so is what the agent had done though it was taken back, or what took its place was`() throws {
        try world.succeed(try upgrade("1.1.0"))
        let late = try upgrade("1.2.0")
        try world.end(late, as: "canceled")
        try world.report("applied", of: late, #""objects":[]"#)
        #expect(try rollback()?["version"] == "1.1.0")
        try world.succeed(try world.lastCommand())
        _ = try upgrade("1.2.0")
        try world.order("restart")
        try world.applied()
        try world.end(try world.order("scale", #""workload":"Deployment/web","replicas":3"#), as: "canceled")
        #expect(try world.text("select running_version from instance") == "1.2.0")
        #expect(try rollback()?["version"] == "1.1.0")
    }

    @Test func `in an environment that was made again nothing of its former life is gone back to`() throws {
        try world.succeed(try upgrade("1.1.0"))
        try world.make("environment.delete", #""force":true"#)
        try world.make("environment.create", #""cluster":"c1""#)
        try world.request("application.create", key: "shop", #"{"project":"shop","application":"api"}"#)
        try world.publishVersion("1.0.0", of: "api")
        _ = try world.published()
        try world.succeed(try world.order("deploy", #""application":"api","version":"1.0.0""#))
        #expect(try world.published("cdevents").map(\.type) == ["dev.cdevents.service.deployed.0.3.0"])
        #expect(try refusal() == "no_rollback_target instance")
        #expect(try refusal(#","version":"1.1.0""#) == "no_rollback_target version")
        #expect(try refusal(#","revision":1"#) == "no_rollback_target revision")
        try world.succeed(try world.order("configure", #""values":"color: blue""#))
        let message = try #require(try rollback())
        #expect(message["application"] == "api" && message["values"] == "replicas: 1\n")
    }

    @Test func `the end of what never ran is told to nobody, and of what ran it is`() throws {
        let cases: [(String, [String])] = [("succeeded", ["deployed", "removed"]), ("failed", [])]
        for (end, told) in cases {
            try world.succeed(try world.order("delete"))
            _ = try world.published()
            let deployment = try world.order("deploy", #""application":"web","version":"1.1.0""#)
            if end == "failed" { try world.end(deployment, as: end) } else { try world.succeed(deployment) }
            try world.succeed(try world.order("delete"))
            #expect(try world.published("cdevents").map(\.type) == told.map { "dev.cdevents.service.\($0).0.3.0" })
            try world.succeed(try world.order("deploy", #""application":"web","version":"1.0.0""#))
        }
    }

    @Test func `after a deletion whose success came late nothing of the former life is gone back to`() throws {
        let deletion = try world.order("delete")
        try world.end(deletion, as: "timed_out")
        try world.report("applied", of: deletion, #""objects":[]"#)
        #expect(try world.text("select state from instance") == "deleted")
        try world.succeed(try world.order("deploy", #""application":"web","version":"1.1.0""#))
        #expect(try refusal() == "no_rollback_target instance")
        #expect(try refusal(#","version":"1.0.0""#) == "no_rollback_target version")
    }

    /// An older worker leaves what is written of the life before, or nothing.
    @Test(arguments: ["null", "1"])
    func `where an older worker made the instance again, the deletion that succeeded counts`(made: String) throws {
        try world.succeed(try world.order("delete"))
        try world.succeed(try world.order("deploy", #""application":"web","version":"1.1.0""#))
        #expect(try world.text("select made_generation from instance") == "3")
        try world.connection.script("update instance set made_generation = \(made)")
        #expect(try refusal() == "no_rollback_target instance")
        try world.succeed(try upgrade("1.2.0"))
        #expect(try rollback()?["version"] == "1.1.0")
    }
}

extension CommandWorld {
    /// Asks for something of the instance `web`, which is accepted; returns the command.
    @discardableResult
    func order(_ verb: String, _ more: String = "") throws -> UUID {
        let members = #""instance":"web"\#(more.isEmpty ? "" : ",")\#(more)"#
        #expect(try ask("instance.\(verb)", members) == .applied, "\(verb) \(more)")
        return try lastCommand()
    }

    /// Ends a command that the agent has not taken: `failed`, `canceled` or `timed_out`.
    func end(_ command: UUID, as state: String) throws {
        switch state {
        case "failed":
            try report("failed", of: command, #""code":"x","message":"y""#)
        case "canceled":
            try ask("command.cancel", #""command":"\#(command.uuidString.lowercased())""#)
        default:
            try connection.query(
                "update command set step_deadline = now() - interval '1 second' where id = $1",
                [.uuid(command)]
            )
            try passTime()
        }
        #expect(try text("select state from command where id = '\(command)'") == state)
    }
}
