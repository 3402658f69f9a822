import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A config map from its request to its result; what holds for it holds for every object of an environment.
@Suite struct ConfigMapRequestTests {
    let world: CommandWorld
    static let red = #""configMap":"web","data":{"color":"red"}"#
    static let blue = #""configMap":"web","data":{"color":"blue"}"#

    init() throws {
        world = try CommandWorld.ready()
    }

    @Test func `a config map becomes a command, a message to the agent and a state, and runs when it is applied`()
        throws
    {
        #expect(try world.ask("config-map.create", Self.red + #","description":"Colors""#) == .applied)
        var messages = try world.published()
        #expect(messages.map(\.name) == ["objects_requested", "accepted", "sent", "status"])
        #expect(messages[0].appliedObjects == ["ConfigMap web"])
        #expect(messages[0]["subject.kind"] == "config-map")
        #expect(messages[0]["generation"] == "1")
        #expect(messages[0]["namespace"] == "shop-staging")
        #expect(messages[1]["subject.kind"] == "config-map")
        #expect(messages[3].topic == "object.status" && messages[3].key == "shop/staging/config-map/web")
        #expect(messages[3].type == "slipway.config-map.status.v1")
        #expect(messages[3]["state"] == "operating" && messages[3]["keys"] == "color")
        #expect(messages[3]["description"] == "Colors")
        #expect(!String(decoding: messages[3].value, as: UTF8.self).contains("red"))
        try world.applied()
        messages = try world.published()
        #expect(messages.map(\.name) == ["applied", "succeeded", "status"])
        #expect(messages[2]["state"] == "running" && messages[2].headers["ce_revision"] == "2")
        #expect(try world.object("config-map", "web") == "running 1 2")
    }

    @Test
    func `an edit replaces the data and deletes go with a tombstone; the numbers go on when the name comes again`()
        throws
    {
        try world.make("config-map.create", Self.red)
        try world.make("config-map.update", Self.blue)
        #expect(try world.object("config-map", "web") == "running 2 4")
        _ = try world.published()
        #expect(try world.ask("config-map.delete", #""configMap":"web""#) == .applied)
        var messages = try world.published()
        #expect(messages[0].appliedObjects.isEmpty && messages[0].removed == ["ConfigMap web"])
        #expect(messages.last?["state"] == "deleting")
        try world.applied()
        messages = try world.published()
        #expect(messages.map(\.name) == ["applied", "succeeded", "tombstone"])
        #expect(messages[2].key == "shop/staging/config-map/web" && messages[2].value.isEmpty)
        #expect(messages[2].headers["ce_revision"] == "6")
        #expect(try world.object("config-map", "web") == "deleted 3 6")
        try world.make("config-map.create", Self.red)
        #expect(try world.object("config-map", "web") == "running 4 8")
    }

    @Test(arguments: [
        ("create", red, "already_exists configMap"), ("update", red, "no_change configMap"),
        ("update", #""configMap":"other","data":{"a":"b"}"#, "unknown_config_map configMap"),
        ("delete", #""configMap":"other""#, "unknown_config_map configMap"),
        ("create", #""configMap":"Web","data":{"a":"b"}"#, "invalid_name configMap"),
        ("create", #""configMap":"kube-root-ca.crt","data":{"a":"b"}"#, "name_taken configMap"),
        ("create", #""configMap":"web-2","data":{}"#, "invalid_field data"),
        ("create", #""configMap":"web-2","data":{"a b":"c"}"#, "invalid_key data"),
        ("update", #""configMap":"web""#, "missing_field data"),
        ("update", red + #","timeoutSeconds":1"#, "invalid_field timeoutSeconds"),
    ])
    func `what does not go is refused, and nothing changes`(verb: String, members: String, refusal: String) throws {
        try world.make("config-map.create", Self.red)
        let before = try world.text("select count(*) || ' ' || sum(revision) from environment_object")
        #expect(try world.refusal("config-map.\(verb)", members) == refusal)
        #expect(try world.text("select count(*) || ' ' || sum(revision) from environment_object") == before)
        #expect(try world.commands(on: "web") == ["config-map.create succeeded 4"])
    }

    @Test func `what is being deleted can be neither edited, nor made, nor deleted again`() throws {
        try world.make("config-map.create", Self.red)
        try world.ask("config-map.delete", #""configMap":"web""#)
        for (verb, members) in [("update", Self.blue), ("create", Self.red), ("delete", #""configMap":"web""#)] {
            #expect(try world.refusal("config-map.\(verb)", members) == "being_deleted configMap")
        }
    }

    @Test func `nothing is made in an environment that is not active, or that does not exist`() throws {
        try world.connection.script("update environment set state = 'disabled'")
        #expect(try world.refusal("config-map.create", Self.red) == "environment_not_active environment")
        let body = #"{"project":"shop","environment":"none",\#(Self.red)}"#
        guard case .rejected(let reason) = try world.request("config-map.create", key: "shop/none", body) else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "unknown_environment")
    }

    @Test(arguments: EnvironmentState.allCases.filter { $0 != .deleted })
    func `an environment that is disabled takes what leads out of it, and nothing else`(state: EnvironmentState)
        throws
    {
        try world.make("config-map.create", Self.red)
        try world.connection.script("update environment set state = '\(state.rawValue)'")
        let refusal = "environment_not_active environment"
        let isActive = state == .active
        #expect(try world.refusal("config-map.update", Self.blue) == (isActive ? nil : refusal))
        let isRemoved = isActive || state == .disabled
        #expect(try world.refusal("config-map.delete", #""configMap":"web""#) == (isRemoved ? nil : refusal))
        guard isRemoved else { return }
        try world.applied()
        #expect(try world.text("select state from environment_object") == "deleted")
    }

    @Test func `only who may work in the environment may do it`() throws {
        #expect(try world.refusal("config-map.create", Self.red, as: "mike") == "not_permitted")
        try world.connection.script("insert into project_member values ('shop', 'mike', 'member', now())")
        #expect(try world.refusal("config-map.create", Self.red, as: "mike") == "not_permitted")
        try world.connection.script("insert into environment_member select id, 'mike', now() from environment")
        #expect(try world.ask("config-map.create", Self.red, as: "mike") == .applied)
    }

    @Test func `a newer edit includes the open one and ends it; only the newest one's end counts`() throws {
        try world.ask("config-map.create", Self.red)
        let first = try world.lastCommand()
        _ = try world.published()
        #expect(try world.ask("config-map.update", Self.blue) == .applied)
        let messages = try world.published()
        #expect(messages.map(\.name) == ["superseded", "withdrawn", "objects_requested", "accepted", "sent", "status"])
        #expect(messages[1]["object.kind"] == "config-map" && messages[1]["object.name"] == "web")
        try world.report("applied", of: first, #""objects":[]"#)
        #expect(try world.object("config-map", "web") == "operating 2 2")
        try world.applied()
        #expect(try world.object("config-map", "web") == "running 2 3")
        #expect(try world.commands(on: "web") == ["config-map.create superseded 4", "config-map.update succeeded 4"])
    }

    @Test func `a deletion takes the place of what is on its way`() throws {
        try world.ask("config-map.create", Self.red)
        try world.make("config-map.delete", #""configMap":"web""#)
        #expect(try world.object("config-map", "web") == "deleted 2 3")
        #expect(try world.commands(on: "web") == ["config-map.create superseded 3", "config-map.delete succeeded 4"])
    }

    @Test func `a new description alone is done at once, without the agent`() throws {
        try world.make("config-map.create", Self.red)
        _ = try world.published()
        #expect(try world.ask("config-map.update", #""configMap":"web","description":"Colors""#) == .applied)
        let messages = try world.published()
        #expect(messages.map(\.name) == ["accepted", "applied", "succeeded", "status"])
        #expect(messages.last?["description"] == "Colors")
        #expect(
            try world.refusal("config-map.update", #""configMap":"web","description":"Colors""#)
                == "no_change configMap"
        )
    }

    @Test func `what fails says why, and can be tried again as it was`() throws {
        try world.ask("config-map.create", Self.red)
        try world.report(
            "failed",
            of: try world.lastCommand(),
            #""code":"forbidden","message":"The quota is used up.""#
        )
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "failed" && status["reason.code"] == "forbidden")
        #expect(try world.refusal("config-map.create", Self.red) == "already_exists configMap")
        try world.make("config-map.update", Self.red)
        #expect(try world.object("config-map", "web") == "running 2 4")
        #expect(try world.published("object.status").last?["reason"] == nil)
    }

    @Test func `an edit or a deletion that is taken back leaves what was there, a creation what failed`() throws {
        func cancel() throws {
            let command = try world.lastCommand().uuidString.lowercased()
            #expect(try world.ask("command.cancel", #""command":"\#(command)""#) == .applied)
        }
        try world.ask("config-map.create", Self.red)
        try cancel()
        #expect(try world.object("config-map", "web") == "failed 1 2")
        try world.make("config-map.update", Self.red)
        try world.ask("config-map.update", Self.blue)
        try cancel()
        #expect(try world.object("config-map", "web") == "running 3 6")
        #expect(try world.published("object.status").last?["reason.code"] == "canceled")
        #expect(try world.refusal("config-map.update", Self.red) == "no_change configMap")
        try world.ask("config-map.delete", #""configMap":"web""#)
        try cancel()
        #expect(try world.object("config-map", "web") == "running 4 8")
        try world.make("config-map.update", Self.blue)
        #expect(try world.object("config-map", "web") == "running 5 10")
    }

    @Test func `what is taken back after something failed leaves what nobody knows`() throws {
        try world.make("config-map.create", Self.red)
        try world.ask("config-map.update", Self.blue)
        try world.end(try world.lastCommand(), as: "failed")
        try world.ask("config-map.update", #""configMap":"web","data":{"color":"green"}"#)
        try world.end(try world.lastCommand(), as: "canceled")
        #expect(try world.object("config-map", "web") == "failed 3 6")
        #expect(try world.ask("config-map.update", Self.red) == .applied, "it may not be there")
    }

    @Test func `what takes too long ends and is taken back; what the agent did all the same is noted`() throws {
        try world.ask("config-map.create", Self.red)
        let command = try world.lastCommand()
        try world.connection.script(
            "update command set step_deadline = now() - interval '1 second' where state = 'sent'"
        )
        _ = try world.published()
        #expect(try world.passTime())
        let messages = try world.published()
        #expect(messages.map(\.name) == ["timed_out", "status", "withdrawn"])
        #expect(messages[2]["object.name"] == "web" && messages[2]["instance"]?.isEmpty == true)
        #expect(try world.object("config-map", "web") == "failed 1 2")
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try world.object("config-map", "web") == "running 1 3")
        #expect(try world.commands(on: "web") == ["config-map.create timed_out 4"])
    }

    @Test func `an agent that says hello gets the open command again, made anew`() throws {
        try world.ask("config-map.create", Self.red)
        let first = try #require(try world.published("agent.commands.c1").first)
        try world.connect("c1", boot: AgentStatusHandlerTests.second)
        let again = try #require(try world.published("agent.commands.c1").last)
        #expect(again.value == first.value && again.id == first.id && again.headers["ce_epoch"] == "2")
    }

    @Test func `marked states are published again, the same bytes; of what is gone, the tombstone`() throws {
        try world.ask("config-map.create", Self.red)
        let operating = try #require(try world.published("object.status").last)
        try world.connection.script(
            "insert into outbox_republish values ('object.status', 'shop/staging/config-map/web')"
        )
        try world.passTime()
        #expect(try world.published() == [operating])
        try world.make("config-map.delete", #""configMap":"web""#)
        let gone = try #require(try world.published("object.status").last)
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try Republication.markEverything(in: transaction)
        }
        try world.passTime()
        #expect(try world.published("object.status") == [gone])
    }
}
