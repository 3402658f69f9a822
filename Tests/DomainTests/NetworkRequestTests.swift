import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Networks and domains, which look at what else their environment holds.
@Suite struct NetworkRequestTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.deploy(instance: "web-2")
        _ = try world.published()
    }

    static let target = #""target":{"instances":["web"]}"#
    static func network(_ name: String, ports: String = #"{"port":80}"#, _ more: String = target) -> String {
        #""network":"\#(name)","ports":[\#(ports)],\#(more)"#
    }

    @Test func `a network becomes a Service, and runs when it is applied`() throws {
        #expect(try world.ask("network.create", Self.network("front")) == .applied)
        let messages = try world.published()
        #expect(messages.map(\.name) == ["objects_requested", "accepted", "sent", "status"])
        #expect(messages[0].appliedObjects == ["Service front"] && messages[0]["podMark"] == nil)
        #expect(messages[3].type == "slipway.network.status.v1")
        #expect(messages[3]["spec.target.instances"] == "web")
        try world.applied()
        #expect(try world.object("network", "front") == "running 1 2")
    }

    @Test func `a network of several instances names the label that their pods need`() throws {
        try world.ask("network.create", Self.network("front", #""target":{"instances":["web","web-2"]}"#))
        let message = try #require(try world.published("agent.commands.c1").first)
        #expect(message["podMark.label"] == "network.slipway.io/front")
        #expect(message["podMark.instances"] == "web web-2")
    }

    @Test func `what an edit no longer needs is removed, also what a command that was replaced may have left`() throws {
        let outside = #""target":{"endpoints":[{"addresses":["192.0.2.1","2001:db8::1"]}]}"#
        try world.make("network.create", Self.network("front", outside))
        try world.ask("network.update", Self.network("front"))
        var message = try #require(try world.published("agent.commands.c1").last)
        #expect(message.appliedObjects == ["Service front"])
        let slices = ["EndpointSlice front-1-ipv4", "EndpointSlice front-1-ipv6"]
        #expect(message.removed == slices)
        try world.ask("network.update", Self.network("front", ports: #"{"port":81}"#))
        message = try #require(try world.published("agent.commands.c1").last)
        #expect(message.removed == slices, "nobody knows whether they are gone")
        try world.applied()
        try world.ask("network.delete", #""network":"front""#)
        message = try #require(try world.published("agent.commands.c1").last)
        #expect(message.removed == ["Service front"])
    }

    @Test(arguments: [
        (network("b", #""target":{"instances":["none"]}"#), "unknown_instance target.instances[0]"),
        (network("b", #""target":{"application":"none"}"#), "unknown_application target.application"),
        (network("b", #""target":{}"#), "invalid_field target"), (network("B"), "invalid_name network"),
        (network("b", ports: #"{"port":0}"#), "invalid_field ports[0].port"),
        (
            network("b", ports: #"{"port":81,"nodePort":30080}"#, target + #","type":"NodePort""#),
            "node_port_taken ports[0].nodePort"
        ),
        (network("b", target + #","externalIPs":["192.0.2.7"]"#), "external_ip_taken externalIPs[0]"),
    ])
    func `a network that does not go with what there is is refused`(members: String, refusal: String) throws {
        let node = #"{"port":80,"nodePort":30080}"#
        try world.make("network.create", Self.network("a", ports: node, Self.target + #","type":"NodePort""#))
        try world.make("network.create", Self.network("c", Self.target + #","externalIPs":["192.0.2.7"]"#))
        #expect(try world.refusal("network.create", members) == refusal)
        #expect(try world.text("select count(*) from environment_object") == "2")
    }

    @Test func `a network leads to no instance that is on its way out, unless it stays`() throws {
        try world.make("network.create", Self.network("front"))
        #expect(try world.ask("instance.delete", #""instance":"web""#) == .applied)
        let deletion = try world.lastCommand()
        let refusal = "unknown_instance target.instances[0]"
        #expect(try world.refusal("network.create", Self.network("back")) == refusal)
        #expect(try world.refusal("network.update", Self.network("front", ports: #"{"port":81}"#)) == refusal)
        try world.end(deletion, as: "canceled")
        #expect(try world.ask("network.create", Self.network("back")) == .applied)
    }

    @Test func `an application stays as long as a network leads to its instances`() throws {
        let application = #"{"project":"shop","application":"api"}"#
        try world.request("application.create", key: "shop", application)
        try world.make("network.create", Self.network("front", #""target":{"application":"api"}"#))
        guard case .rejected(let reason) = try world.request("application.delete", key: "shop", application) else {
            Issue.record("it was not refused")
            return
        }
        #expect(reason.code == "application_in_use" && reason.sentence.contains("network staging/front"))
        try world.make("network.update", Self.network("front"))
        #expect(try world.request("application.delete", key: "shop", application) == .applied)
    }

    @Test func `a node port is free again when its network is gone`() throws {
        let members = {
            Self.network($0, ports: #"{"port":80,"nodePort":30080}"#, Self.target + #","type":"NodePort""#)
        }
        try world.make("network.create", members("a"))
        #expect(try world.refusal("network.update", members("a")) == "no_change network")
        try world.make("network.delete", #""network":"a""#)
        #expect(try world.ask("network.create", members("b")) == .applied)
    }

    @Test func `who asks what a change would do does not have it done`() throws {
        try world.make("network.create", Self.network("a"))
        for value in ["true", #""true""#, "1"] {
            let members = #""network":"a","dryRun":\#(value)"#
            #expect(try world.refusal("network.delete", members) == "no_dry_run dryRun")
        }
        #expect(try world.ask("network.delete", #""network":"a","dryRun":false"#) == .applied)
    }

    // MARK: Domains

    static func domain(
        _ name: String,
        host: String = "shop.example.org",
        path: String = "/",
        network: String = "front",
        port: Int = 80,
        _ more: String = ""
    ) -> String {
        #""domain":"\#(name)","host":"\#(host)","paths":[{"path":"\#(path)","network":"\#(network)","port":\#(port)}]\#(more)"#
    }

    @Test func `a domain becomes an Ingress, and runs when it is applied, with or without an address`() throws {
        try world.make("network.create", Self.network("front"))
        #expect(try world.ask("domain.create", Self.domain("shop")) == .applied)
        let messages = try world.published()
        #expect(messages.last { $0.topic == "agent.commands.c1" }?.appliedObjects == ["Ingress shop"])
        #expect(messages.last?.type == "slipway.domain.status.v1")
        #expect(messages.last?["spec.host"] == "shop.example.org")
        try world.applied()
        #expect(try world.object("domain", "shop") == "running 1 2")
        #expect(try world.refusal("domain.update", Self.domain("shop")) == "no_change domain")
        try world.make("domain.update", Self.domain("shop", path: "/new"))
        try world.make("domain.delete", #""domain":"shop""#)
        #expect(try world.object("domain", "shop") == "deleted 3 6")
    }

    @Test(arguments: [
        (domain("b", path: "/"), "path_taken paths[0].path"),
        (domain("b", path: "/", network: "none"), "unknown_network paths[0].network"),
        (domain("b", path: "/x", port: 81), "unknown_port paths[0].port"),
        (domain("b", path: "x"), "invalid_field paths[0].path"), (domain("b", host: "x y"), "invalid_field host"),
        (domain("b", path: "/x", #","certificate":"none""#), "unknown_certificate certificate"),
        (domain("b_"), "invalid_name domain"),
    ])
    func `a domain that does not go with what there is is refused`(members: String, refusal: String) throws {
        try world.make("network.create", Self.network("front"))
        try world.make("domain.create", Self.domain("a"))
        #expect(try world.refusal("domain.create", members) == refusal)
        #expect(try world.text("select count(*) from environment_object where kind = 'domain'") == "1")
    }

    @Test func `a path is taken by another domain only, and for its host only`() throws {
        try world.make("network.create", Self.network("front"))
        try world.make("domain.create", Self.domain("a"))
        #expect(try world.ask("domain.create", Self.domain("b", host: "www.example.org")) == .applied)
        #expect(try world.refusal("domain.update", Self.domain("b")) == "path_taken paths[0].path")
        #expect(try world.ask("domain.update", Self.domain("a", #","annotations":{"example.org/x":"y"}"#)) == .applied)
    }

    @Test func `a domain leads to no network that is on its way out`() throws {
        try world.make("network.create", Self.network("front"))
        try world.ask("network.delete", #""network":"front""#)
        #expect(try world.refusal("domain.create", Self.domain("a")) == "unknown_network paths[0].network")
    }

    @Test func `a network that a domain leads to is not deleted, nor loses its port, unless by force`() throws {
        try world.make("network.create", Self.network("front"))
        try world.make("domain.create", Self.domain("shop"))
        guard case .rejected(let reason) = try world.ask("network.delete", #""network":"front""#) else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "network_in_use" && reason.sentence.contains("the domain 'shop'"))
        #expect(
            try world.refusal("network.update", Self.network("front", ports: #"{"port":81}"#)) == "port_in_use ports"
        )
        #expect(try world.ask("network.delete", #""network":"front","force":true"#) == .applied)
    }

    @Test func `a domain on its way out holds no network back`() throws {
        try world.make("network.create", Self.network("front"))
        try world.make("domain.create", Self.domain("shop"))
        try world.ask("domain.delete", #""domain":"shop""#)
        #expect(try world.ask("network.delete", #""network":"front""#) == .applied)
    }

    // MARK: At once

    @Test func `in one batch, later requests see what earlier ones made`() throws {
        let messages = [
            world.message("network.create", key: "shop/staging", CommandWorld.body(Self.network("front"))),
            world.message("domain.create", key: "shop/staging", CommandWorld.body(Self.domain("a"))),
            world.message("domain.create", key: "shop/staging", CommandWorld.body(Self.domain("b"))),
            world.message("network.delete", key: "shop/staging", CommandWorld.body(#""network":"front""#)),
        ]
        let codes = try world.handle(messages).map { outcome in
            if case .rejected(let reason) = outcome { reason.code } else { "applied" }
        }
        #expect(codes == ["applied", "applied", "path_taken", "network_in_use"])
    }

    /// Two requests in two workers at once: the second waits for the first and then sees it.
    private func race(_ first: (String, String), _ second: (String, String)) throws -> [String] {
        let mine = world.message(first.0, key: "shop/staging", CommandWorld.body(first.1))
        let other = world.message(second.0, key: "shop/staging", CommandWorld.body(second.1))
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [mine], in: transaction) == [.applied])
            let rival = CommandRaceTests.Rival.requests([other], world)
            try CommandRaceTests.waitForWaiter(world)
            return rival
        }
        return try rival.outcomes().map { outcome in
            if case .rejected(let reason) = outcome { reason.code } else { "\(outcome)" }
        }
    }

    @Test func `of two creations of one name at once, one wins`() throws {
        let create = ("network.create", Self.network("front"))
        #expect(try race(create, create) == ["already_exists"])
        #expect(try world.text("select count(*) from command where object_id is not null") == "1")
    }

    @Test func `a network deleted at once with a domain that would lead to it: the second one is refused`() throws {
        try world.make("network.create", Self.network("front"))
        #expect(
            try race(("network.delete", #""network":"front""#), ("domain.create", Self.domain("a"))) == [
                "unknown_network"
            ]
        )
        try world.applied()
        try world.make("network.create", Self.network("front"))
        #expect(
            try race(("domain.create", Self.domain("a")), ("network.delete", #""network":"front""#)) == [
                "network_in_use"
            ]
        )
    }

    @Test func `two domains that want one path at once: the second one is refused`() throws {
        try world.make("network.create", Self.network("front"))
        #expect(try race(("domain.create", Self.domain("a")), ("domain.create", Self.domain("b"))) == ["path_taken"])
    }

    @Test func `two networks that want one node port at once: the second one is refused`() throws {
        let members = {
            Self.network($0, ports: #"{"port":80,"nodePort":30080}"#, Self.target + #","type":"NodePort""#)
        }
        #expect(try race(("network.create", members("a")), ("network.create", members("b"))) == ["node_port_taken"])
    }

    @Test func `a change waits for the agent's word on the one before`() throws {
        try world.ask("network.create", Self.network("front"))
        let command = try world.lastCommand()
        let applied = world.status("applied", #"{"command":"\#(command)","generation":1,"objects":[]}"#)
        let update = world.message(
            "network.update",
            key: "shop/staging",
            CommandWorld.body(Self.network("front", ports: #"{"port":81}"#))
        )
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [update], in: transaction) == [.applied])
            let rival = CommandRaceTests.Rival.agents([applied], world)
            try CommandRaceTests.waitForWaiter(world)
            return rival
        }
        #expect(try rival.outcomes() == [.applied])
        #expect(try world.object("network", "front") == "operating 2 2")
        #expect(try world.commands(on: "front") == ["network.create superseded 4", "network.update sent 2"])
    }
}
