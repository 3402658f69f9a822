import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A deletion that counted at once because the agent was away: the agent carries it out when it is back.
@Suite struct ForcedDeletionTests {
    let world: CommandWorld
    let deletion: UUID

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.succeed(try world.lastCommand())
        try world.connection.script("update cluster set state = 'lost'")
        try world.ask("instance.delete", #""instance":"web","force":true"#)
        deletion = try world.lastCommand()
    }

    /// Lets the agent say hello; returns what it is told.
    private func hello(_ boot: String = AgentStatusHandlerTests.second) throws -> [Published] {
        _ = try world.published()
        try world.connect("c1", boot: boot)
        return try world.published("agent.commands.c1").filter { $0.name != "superseded" }
    }

    private func stored() throws -> String? {
        try world.text(
            """
            select c.state || ' ' || c.reason_code || ' ' || i.state
            from command c join instance i on i.id = c.instance_id where c.id = '\(deletion)'
            """
        )
    }

    @Test func `a new boot is told of it, and again until it has said that it is done`() throws {
        let id = deletion.uuidString.lowercased()
        let first = try hello()
        try #require(first.map(\.name) == ["welcomed", "removal_requested"])
        #expect(first[0]["open"] == id, "the agent drops what it has read before and is not listed")
        #expect(first[1]["command"] == id && first[1]["generation"] == "2" && first[1]["instance"] == "web")
        try world.report("acknowledged", of: deletion, epoch: 2)
        #expect(try hello().map(\.name) == ["welcomed", "removal_requested"], "it may have died since")
        try world.report("applied", of: deletion, #""objects":[]"#, epoch: 2)
        #expect(try world.results().isEmpty, "the command has ended before")
        let last = try hello()
        try #require(last.map(\.name) == ["welcomed"])
        #expect(last[0]["open"]?.isEmpty == true)
        #expect(try stored() == "succeeded not_removed_from_cluster deleted")
        let late = try world.text(
            "select string_agg(state, ' ' order by revision) from command_step where command = '\(deletion)' and late"
        )
        #expect(late == "acknowledged applied")
    }

    @Test(arguments: [("uninstall_failed", 2), ("superseded_generation", 1)])
    func `what could not be done is asked for again, what the cluster is beyond is not`(
        code: String,
        messages: Int
    ) throws {
        _ = try hello()
        try world.report("failed", of: deletion, #""code":"\#(code)","message":"y""#, epoch: 2)
        #expect(try hello().count == messages)
        #expect(try stored() == "succeeded not_removed_from_cluster deleted")
    }

    @Test func `a name that was taken again is not removed, whatever became of that`() throws {
        #expect(try world.deploy() == .applied)
        let deploy = try world.lastCommand()
        let messages = try hello()
        #expect(messages.map(\.name) == ["welcomed", "release_requested"])
        #expect(messages.first?["open"] == deploy.uuidString.lowercased())
        try world.report("failed", of: deploy, #""code":"x","message":"y""#, epoch: 2)
        #expect(try hello().map(\.name) == ["welcomed"])
    }

    @Test(arguments: ["state = 'deleted'", "namespace = 'other'", "cluster = 'c2'"])
    func `nothing is removed from where the environment is not any more`(change: String) throws {
        try world.register("c2")
        try world.connection.script("update environment set \(change)")
        #expect(try hello().map(\.name) == ["welcomed"])
    }

    @Test func `the environment stays in the cluster until it is done, so that neither it nor its place is forgotten`()
        throws
    {
        try world.register("c2")
        let refusal = "namespace_not_removed environment"
        #expect(try world.refusal("environment.connect", #""cluster":"c2""#) == refusal)
        #expect(try world.refusal("environment.connect", #""cluster":"c1","namespace":"other""#) == refusal)
        #expect(try hello().map(\.name) == ["welcomed", "removal_requested"])
        try world.report("applied", of: deletion, #""objects":[]"#, epoch: 2)
        try world.connection.script("update cluster set state = 'lost'")
        #expect(try world.ask("environment.connect", #""cluster":"c2""#) == .applied)
    }

    @Test func `the environment may be deleted and made in another cluster, since its namespace goes with it`() throws {
        try world.register("c2")
        #expect(try world.ask("environment.delete", #""force":true"#) == .applied)
        #expect(try world.ask("environment.create", #""cluster":"c2""#) == .applied)
        let other = #"{"project":"shop","environment":"dev","cluster":"c1","namespace":"shop-staging"}"#
        guard case .rejected(let reason) = try world.request("environment.create", key: "shop/dev", other) else {
            Issue.record("it got what the other one left")
            return
        }
        #expect(reason.code == "namespace_not_removed" && reason.field == "namespace")
        #expect(try hello().map(\.name) == ["welcomed", "namespace_removal_requested"])
    }

    @Test func `what went with its namespace is not asked for when the environment is made anew`() throws {
        #expect(try world.ask("environment.delete", #""force":true"#) == .applied)
        let removal = try world.lastCommand()
        _ = try hello()
        try world.report("applied", of: removal, #""objects":[]"#, epoch: 2)
        #expect(try world.ask("environment.create", #""cluster":"c1""#) == .applied)
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#, epoch: 2)
        #expect(try hello().map(\.name) == ["welcomed"])
        try world.register("c2")
        try world.connection.script("update cluster set state = 'lost'")
        #expect(try world.ask("environment.connect", #""cluster":"c2""#) == .applied)
    }

    @Test func `a recovered database knows of it, though the generation of the instance is another`() throws {
        try world.connection.script("update installation set timeline = timeline + 1")
        _ = try Recovery(fleetKey: world.fleetKey).run(on: world.connection)
        let messages = try hello()
        #expect(messages.map(\.name) == ["welcomed", "removal_requested"])
        #expect(messages.last?["generation"] == "2", "what the cluster has is of such numbers")
    }
}
