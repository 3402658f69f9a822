import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What runs, and what the next change is made to, where a command was ended after the agent had done it.
@Suite struct OvertakenCommandTests {
    let world: CommandWorld

    /// An instance that runs the version 1.0.0.
    init() throws {
        world = try CommandWorld.ready()
        try world.deploy("1.0.0")
        try world.succeed(try world.lastCommand())
        _ = try world.published()
    }

    /// State, version and generation of what runs.
    private func standing() throws -> String? {
        try world.text("select concat_ws(' ', state, running_version, running_generation) from instance")
    }

    /// The version that the agent is told with a restart: what a change is made to.
    private func base() throws -> String? {
        _ = try world.published()
        try world.order("restart")
        return try world.published("agent.commands.c1").last?["version"]
    }

    @Test(arguments: ["restart", "scale", "rollback", "delete"], ["timed_out", "failed", "canceled"])
    func `what was applied is what runs, also where what took its place does not reach its goal`(
        verb: String,
        end: String
    ) throws {
        try world.order("upgrade", #""version":"1.1.0""#)
        try world.applied()
        let newer = try world.order(verb, verb == "scale" ? #""workload":"Deployment/web","replicas":3"# : "")
        #expect(try standing() == "operating 1.1.0 2")
        #expect(try Verification.differences(on: world.connection) == [])
        try world.end(newer, as: end)
        #expect(try standing() == "running 1.1.0 2")
        #expect(try world.published("instance.status").last?["runningVersion"] == "1.1.0")
        #expect(try Verification.differences(on: world.connection) == [])
        #expect(try base() == "1.1.0")
    }

    @Test func `what was taken back unapplied leaves what ran before`() throws {
        try world.order("upgrade", #""version":"1.1.0""#)
        try world.end(try world.order("restart"), as: "canceled")
        #expect(try standing() == "running 1.0.0 1")
        #expect(try base() == "1.0.0")
    }

    @Test func `an upgrade that was applied and failed is no basis, also when the agent says it again`() throws {
        let upgrade = try world.order("upgrade", #""version":"1.1.0""#)
        try world.failApplied(upgrade)
        #expect(try standing() == "running 1.0.0 1")
        try world.report("applied", of: upgrade, CommandReportTests.objects)
        #expect(try standing() == "running 1.0.0 1")
        #expect(try base() == "1.0.0")
    }

    @Test func `an upgrade that was applied does not fail with the restart in its place`() throws {
        try world.order("upgrade", #""version":"1.1.0""#)
        try world.applied()
        try world.failApplied(try world.order("restart"))
        #expect(try standing() == "running 1.1.0 2")
        #expect(try base() == "1.1.0")
    }

    @Test func `a stop and a start that were applied are what the instance goes back to`() throws {
        try world.order("stop")
        try world.applied()
        try world.end(try world.order("start"), as: "canceled")
        #expect(try standing() == "stopped 1.0.0 2")
        try world.order("start")
        try world.applied()
        try world.end(try world.order("restart"), as: "canceled")
        #expect(try standing() == "running 1.0.0 4")
    }

    @Test func `so is one whose result came late`() throws {
        try world.succeed(try world.order("stop"))
        let start = try world.order("start")
        try world.report("acknowledged", of: start)
        let newer = try world.order("restart")
        try world.report("applied", of: start, #""objects":[]"#)
        #expect(try standing() == "operating 1.0.0 3")
        try world.end(newer, as: "canceled")
        #expect(try standing() == "running 1.0.0 3")
        #expect(try Verification.differences(on: world.connection) == [])
    }

    @Test func `what was done after it was taken back is what is wanted again, unless something newer is`() throws {
        let upgrade = try world.order("upgrade", #""version":"1.1.0""#)
        try world.end(upgrade, as: "canceled")
        #expect(try world.text("select desired_version from instance") == "1.0.0")
        try world.report("applied", of: upgrade, #""objects":[]"#)
        #expect(try standing() == "running 1.1.0 2")
        let status = try #require(try world.published("instance.status").last)
        #expect(status["desiredVersion"] == "1.1.0" && status["runningVersion"] == "1.1.0")
        #expect(try world.text("select desired = settled from instance") == "true")
        try world.publishVersion("1.2.0")
        let next = try world.order("upgrade", #""version":"1.2.0""#)
        try world.end(next, as: "canceled")
        try world.order("restart")
        try world.report("applied", of: next, #""objects":[]"#)
        let versions = try world.text("select concat_ws(' ', desired_version, running_version) from instance")
        #expect(versions == "1.1.0 1.2.0")
    }

    @Test(arguments: ["delete", "stop"])
    func `the late success counts of one that was asked for again, in vain, while the agent was at it`(verb: String)
        throws
    {
        let first = try world.order(verb)
        try world.report("acknowledged", of: first)
        try world.end(first, as: "timed_out")
        try world.end(try world.order(verb), as: "timed_out")
        try world.report("applied", of: first, #""objects":[]"#)
        #expect(try world.text("select state from instance") == (verb == "delete" ? "deleted" : "stopped"))
    }

    @Test func `it does not count where the agent took the newer one`() throws {
        let first = try world.order("stop")
        try world.report("acknowledged", of: first)
        try world.end(first, as: "timed_out")
        let newer = try world.order("restart")
        try world.report("acknowledged", of: newer)
        try world.end(newer, as: "timed_out")
        try world.report("applied", of: first, #""objects":[]"#)
        #expect(try world.text("select state from instance") == "running")
    }

    @Test func `others hear once of an upgrade, from what succeeded with it`() throws {
        try world.order("upgrade", #""version":"1.1.0""#)
        try world.applied()
        try world.end(try world.order("restart"), as: "failed")
        #expect(try world.published("cdevents").isEmpty)
        for _ in 1...2 { try world.succeed(try world.order("restart")) }
        #expect(try world.published("cdevents").map(\.type) == ["dev.cdevents.service.upgraded.0.3.0"])
    }

    @Test func `others hear of a first deployment as such, also from what succeeded with it`() throws {
        try world.deploy("1.0.0", instance: "api")
        try world.applied()
        #expect(try world.ask("instance.restart", #""instance":"api""#) == .applied)
        try world.succeed(try world.lastCommand())
        #expect(try world.published("cdevents").map(\.type) == ["dev.cdevents.service.deployed.0.3.0"])
    }
}

extension CommandWorld {
    /// Lets the agent do a command, and its objects fail.
    func failApplied(_ command: UUID) throws {
        try report("applied", of: command, CommandReportTests.objects)
        try connection.query(
            """
            update command set failing_since = now() - interval '1 hour', failing_code = 'image_pull',
                failing_reason = 'Pod web-1 cannot pull its image.'
            where id = $1
            """,
            [.uuid(command)]
        )
        try passTime()
        #expect(try text("select state from command where id = '\(command)'") == "failed")
    }
}
