import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A first deployment that the cluster did after its command had ended, or was overtaken: the instance runs.
@Suite struct LateFirstDeploymentTests {
    let world: CommandWorld
    /// The first deployment of the instance, which the agent has not taken.
    let deployment: UUID

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy("1.0.0")
        deployment = try world.lastCommand()
        _ = try world.published()
    }

    /// State, version and generation of what runs.
    private func standing() throws -> String? {
        try world.text("select concat_ws(' ', state, running_version, running_generation) from instance")
    }

    private func reason() throws -> String? { try world.text("select reason_code from instance") }

    @Test(arguments: ["timed_out", "canceled"])
    func `what was done after its command had ended runs, and may be stopped`(end: String) throws {
        try world.end(deployment, as: end)
        #expect(try standing() == "failed")
        #expect(try reason() != nil)
        #expect(try world.refusal("instance.stop", #""instance":"web""#) == "instance_failed instance")
        _ = try world.published()
        try world.report("applied", of: deployment, #""objects":[]"#)
        #expect(try standing() == "running 1.0.0 1")
        #expect(try reason() == nil)
        let status = try #require(try world.published("instance.status").last)
        #expect(status["state"] == "running" && status["runningVersion"] == "1.0.0" && status["reason"] == nil)
        #expect(try Verification.differences(on: world.connection) == [])
        let same = #""application":"web","instance":"web","version":"1.0.0""#
        #expect(try world.refusal("instance.deploy", same) == "no_change")
        try world.succeed(try world.order("stop"))
        #expect(try standing() == "stopped 1.0.0 2")
        #expect(try Verification.differences(on: world.connection) == [])
    }

    @Test(arguments: ["timed_out", "failed", "canceled"])
    func `what was done runs where the stop in its place does not reach its goal, and may be stopped again`(end: String)
        throws
    {
        try world.applied()
        let stop = try world.order("stop")
        #expect(try standing() == "operating 1.0.0 1")
        try world.end(stop, as: end)
        #expect(try standing() == "running 1.0.0 1")
        #expect(try Verification.differences(on: world.connection) == [])
        try world.succeed(try world.order("stop"))
        #expect(try standing() == "stopped 1.0.0 3")
        let environment = #"{"project":"shop","environment":"staging"}"#
        #expect(try world.request("environment.disable", key: "shop/staging", environment) == .applied)
    }

    @Test func `what was done while something newer is on its way runs, where that does not reach its goal`() throws {
        try world.end(deployment, as: "timed_out")
        let newer = try world.order("redeploy")
        try world.report("applied", of: deployment, #""objects":[]"#)
        #expect(try standing() == "operating 1.0.0 1")
        try world.end(newer, as: "canceled")
        #expect(try standing() == "running 1.0.0 1")
        #expect(try Verification.differences(on: world.connection) == [])
    }

    @Test func `a stop that was done late has stopped it`() throws {
        try world.applied()
        let stop = try world.order("stop")
        try world.end(stop, as: "timed_out")
        try world.report("applied", of: stop, #""objects":[]"#)
        #expect(try standing() == "stopped 1.0.0 2")
    }

    @Test func `it stays failed where the agent took something newer, which failed`() throws {
        try world.end(deployment, as: "timed_out")
        try world.end(try world.order("redeploy"), as: "failed")
        try world.report("applied", of: deployment, #""objects":[]"#)
        #expect(try standing() == "failed 1.0.0 1")
    }

    @Test func `one that was applied and failed stays failed when the agent says it again`() throws {
        try world.failApplied(deployment)
        #expect(try standing() == "failed")
        try world.report("applied", of: deployment, CommandReportTests.objects)
        #expect(try standing() == "failed")
        #expect(try reason() == "image_pull")
    }
}
