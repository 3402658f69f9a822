import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// An environment is deleted though its cluster's agent is away, and the agent removes the namespace when it is back.
@Suite struct ForcedEnvironmentDeletionTests {
    let world: CommandWorld

    /// An environment in which something runs, and no agent any more.
    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.succeed(try world.lastCommand())
        try world.connection.script("update cluster set state = 'lost'")
        _ = try world.published()
    }

    @discardableResult
    private func delete() throws -> UUID {
        #expect(try world.ask("environment.delete", #""force":true"#) == .applied)
        return try world.lastCommand()
    }

    private func onCluster(_ verb: String) throws -> Outcome {
        try world.request("cluster.\(verb)", key: "c1", #"{"cluster":"c1"}"#, as: "root")
    }

    /// Lets the agent say hello; returns what it is told.
    private func hello(keyID: Int32 = 1) throws -> [Published] {
        _ = try world.published()
        try world.connect("c1", boot: AgentStatusHandlerTests.second, keyID: keyID)
        return try world.published("agent.commands.c1").filter { $0.name != "superseded" }
    }

    private func stored(_ command: UUID) throws -> String? {
        try world.text("select concat_ws(' ', state, reason_code) from command where id = '\(command)'")
    }

    @Test func `the environment of a lost cluster goes at once with everything in it, and then the cluster`() throws {
        let deletion = try delete()
        #expect(try stored(deletion) == "succeeded not_removed_from_cluster")
        #expect(try world.text("select state from environment") == "deleted")
        #expect(try world.text("select state from instance") == "deleted")
        let tombstones = try world.published().filter { $0.name == "tombstone" }.map(\.topic)
        #expect(Set(tombstones) == ["environment.status", "instance.status"])
        #expect(try onCluster("delete") == .applied)
    }

    @Test func `a deletion that nobody carries out is forced, under way or ended`() throws {
        try world.connection.script("update cluster set state = 'connected'")
        let first = try delete()
        #expect(try world.refusal("environment.delete", #""force":true"#) == "deletion_under_way environment")
        try world.connection.script("update cluster set state = 'lost'")
        #expect(try world.refusal("environment.delete", #""force":false"#) == "deletion_under_way environment")
        try delete()
        #expect(try stored(first) == "canceled environment_deleted")
        #expect(try world.text("select state from environment") == "deleted")
    }

    @Test func `a new boot is told of it, and again until it has said that it is done`() throws {
        let deletion = try delete()
        let id = deletion.uuidString.lowercased()
        for _ in 1...2 {
            let messages = try hello()
            try #require(messages.map(\.name) == ["welcomed", "namespace_removal_requested"])
            #expect(messages[0]["open"] == id, "the agent drops what it has read before and is not listed")
            #expect(messages[1]["command"] == id && messages[1]["namespace"] == "shop-staging")
            try world.report("acknowledged", of: deletion, epoch: 2)
        }
        try world.report("applied", of: deletion, #""objects":[]"#, epoch: 2)
        #expect(try hello().map(\.name) == ["welcomed"])
        #expect(try stored(deletion) == "succeeded not_removed_from_cluster")
    }

    @Test func `nobody gets the namespace before it is removed, also when the environment is elsewhere by then`()
        throws
    {
        let deletion = try delete()
        let other = #"{"project":"shop","environment":"dev","cluster":"c1","namespace":"shop-staging"}"#
        guard case .rejected(let reason) = try world.request("environment.create", key: "shop/dev", other) else {
            Issue.record("it got what the other one left")
            return
        }
        #expect(reason.code == "namespace_not_removed" && reason.field == "namespace")
        #expect(try world.refusal("environment.create", #""cluster":"c1""#) == "namespace_not_removed namespace")
        #expect(try world.ask("environment.create", #""cluster":"c1","namespace":"later""#) == .applied)
        let messages = try hello()
        try #require(messages.map(\.name) == ["welcomed", "namespace_requested", "namespace_removal_requested"])
        #expect(messages.map { $0["namespace"] } == [nil, "later", "shop-staging"])
        try world.report("applied", of: deletion, #""objects":[]"#, epoch: 2)
        #expect(try world.text("select state from environment") == "creating", "it was another one's")
        #expect(try world.request("environment.create", key: "shop/dev", other) == .applied)
    }

    @Test func `the namespace of a cluster that never had an agent can be had again at once`() throws {
        try world.register("c2")
        let body = #"{"project":"shop","environment":"dev","cluster":"c2"}"#
        let removal = #"{"project":"shop","environment":"dev","force":true}"#
        #expect(try world.request("environment.create", key: "shop/dev", body) == .applied)
        #expect(try world.request("environment.delete", key: "shop/dev", removal) == .applied)
        #expect(try stored(try world.lastCommand()) == "succeeded not_removed_from_cluster")
        let other = #"{"project":"shop","environment":"test","cluster":"c2","namespace":"shop-dev"}"#
        #expect(try world.request("environment.create", key: "shop/test", other) == .applied)
        _ = try world.published()
        try world.connect("c2", boot: AgentStatusHandlerTests.second, uid: "uid-2")
        let told = try world.published("agent.commands.c2").map(\.name)
        #expect(told == ["welcomed", "namespace_requested"], "nothing takes away what is another's now")
    }

    @Test func `a cluster that was registered anew is not told to remove what was left in the one before`() throws {
        try delete()
        #expect(try onCluster("delete") == .applied)
        #expect(try onCluster("register") == .applied)
        #expect(try hello(keyID: 2).map(\.name) == ["welcomed"])
        #expect(try world.ask("environment.create", #""cluster":"c1""#) == .applied)
    }

    @Test(arguments: [false, true])
    func `what was seen of a deleted cluster is told as gone, also where its name was registered anew`(again: Bool)
        throws
    {
        try world.connection.script(
            """
            insert into resource_stream (cluster, namespace, epoch, sequence, mark, changed_at)
                values ('c1', 'shop-staging', 1, 3, 7, now());
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, revision,
                object, changed_at)
                values ('c1', 'shop-staging', 'Pod', 'web-0', 'v1', 'u', 1, 3, 'healthy', 4, '{}', now())
            """
        )
        let departed = DepartedResources(interval: .zero)
        try delete()
        #expect(try departed.round(on: world.connection) == 0, "an agent that comes back tells of it")
        #expect(try onCluster("delete") == .applied)
        if again { #expect(try onCluster("register") == .applied) }
        _ = try world.published()
        #expect(try departed.round(on: world.connection) == 1)
        let told = try world.published("resource.status").map { "\($0.key) \($0.name) \($0.id)" }
        #expect(told == ["c1/shop-staging/Pod/web-0 tombstone c1/shop-staging/Pod/web-0@5"])
        let stored = "select concat_ws(' ', r.gone, r.revision, r.object, s.mark) from resource r, resource_stream s"
        #expect(try world.text(stored) == "t 5 0")
        #expect(try departed.round(on: world.connection) == 0)
    }
}
