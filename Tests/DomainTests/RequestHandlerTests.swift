import Foundation
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A request ends in a command or in a rejection, and its repeats in the same answer.
@Suite struct RequestHandlerTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    @Test func `a deployment becomes a command, a message to the agent and an instance`() throws {
        #expect(try world.deploy("1.0.0", #""values":"color: red""#, id: "d1") == .applied)
        let messages = try world.published()
        #expect(
            messages.map(\.topic) == [
                "agent.commands.c1", "deployment.results", "deployment.results", "instance.status",
            ]
        )
        #expect(messages.map(\.name) == ["release_requested", "accepted", "sent", "status"])
        let command = try world.lastCommand().uuidString.lowercased()
        #expect(messages[0]["command"] == command)
        #expect(messages[0]["values"] == "replicas: 1\ncolor: red\n")
        #expect(messages[0]["image"] == "web:1.0.0")
        #expect(messages[0].headers["ce_epoch"] == "1")
        #expect(messages[1]["request.id"] == "d1")
        #expect(messages[2]["revision"] == "2")
        #expect(messages[3]["desiredVersion"] == "1.0.0")
        #expect(messages[3]["command"] == command)
        #expect(messages.prefix(3).allSatisfy { $0.key == "shop/staging" })
        #expect(messages[3].key == "shop/staging/web")
    }

    @Test func `a message to the agent carries the fleet's signature`() throws {
        try world.deploy()
        let message = try #require(try world.published("agent.commands.c1").first)
        let signature = try #require(MessageSignature(message.headers[MessageSignature.header] ?? ""))
        let view = KafkaMessageView(
            topic: message.topic,
            key: message.key,
            headers: message.headers.map { ($0, $1) },
            value: message.value
        )
        let key = world.fleetKey.clusterKey("c1", keyID: 1)
        #expect(key.verifies(signature, of: try #require(SignedParts(.toAgent, of: view))))
        #expect(!key.verifies(signature, of: try #require(SignedParts(.fromAgent, of: view))))
    }

    @Test
    func `a repeat is answered with the newest result, byte for byte`() throws {
        try world.deploy(id: "d1")
        try world.report("acknowledged", of: try world.lastCommand())
        let newest = try #require(try world.published("deployment.results").last)
        #expect(newest.name == "acknowledged")
        #expect(try world.deploy(id: "d1") == .repeated)
        #expect(try world.published() == [newest])
        #expect(try world.text("select count(*) from command where instance_id is not null") == "1")
    }

    @Test func `a repeat of a rejected request gets the same rejection, byte for byte`() throws {
        try world.deploy("9.9.9", id: "d1")
        let rejection = try world.published()
        try world.publishVersion("9.9.9")
        #expect(try world.deploy("9.9.9", id: "d1") == .repeated)
        #expect(try world.published() == rejection)
        #expect(try world.text("select count(*) from instance") == "0")
    }

    @Test func `the same id with other content is rejected, and the first one stays`() throws {
        try world.deploy("1.0.0", id: "d1")
        _ = try world.published()
        guard case .rejected(let reason) = try world.deploy("1.1.0", id: "d1") else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "id_reused")
        #expect(try world.results() == ["rejected 0"])
        #expect(try world.deploy("1.0.0", id: "d1") == .repeated)
        #expect(try world.results() == ["sent 2"])
    }

    @Test func `the same request five times in one batch is done once and answered five times alike`() throws {
        let message = world.message("project.create", key: "new", #"{"project":"new"}"#, id: "p1", as: "root")
        #expect(try world.handle([message, message, message]) == [.applied, .repeated, .repeated])
        let deployment = world.message(
            "instance.deploy",
            key: "shop/staging",
            CommandWorld.deployment("1.0.0"),
            id: "d1"
        )
        let outcomes = try world.handle(Array(repeating: deployment, count: 5))
        #expect(outcomes == [.applied, .repeated, .repeated, .repeated, .repeated])
        #expect(try world.states() == ["sent 2"])
        let unknown = world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("9.9.9"), id: "d2")
        _ = try world.published()
        _ = try world.handle([unknown, unknown])
        let answers = try world.published()
        #expect(answers.map(\.name) == ["rejected", "rejected"])
        #expect(answers.first == answers.last)
    }

    @Test func `the same id with other content in one batch is rejected, and the first one stays`() throws {
        let outcomes = try world.handle([
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0"), id: "d1"),
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.1.0"), id: "d1"),
        ])
        guard case .rejected(let reason) = outcomes[1] else {
            Issue.record("it was not rejected: \(outcomes[1])")
            return
        }
        #expect(outcomes[0] == .applied && reason.code == "id_reused")
        #expect(try world.states() == ["sent 2"])
    }

    @Test
    func `a newer deployment ends the open one, takes it back from the agent and includes it`() throws {
        try world.deploy("1.0.0")
        let first = try world.lastCommand().uuidString.lowercased()
        _ = try world.published()
        try world.request(
            "instance.upgrade",
            key: "shop/staging",
            #"{"project":"shop","environment":"staging","instance":"web","version":"1.1.0"}"#
        )
        let messages = try world.published()
        let toAgent = messages.filter { $0.topic == "agent.commands.c1" }
        #expect(toAgent.map(\.name) == ["withdrawn", "release_requested"])
        #expect(toAgent.map { $0["generation"] } == ["1", "2"])
        #expect(toAgent[0]["command"] == first)
        #expect(messages.filter { $0.topic == "deployment.results" }.map(\.name) == ["superseded", "accepted", "sent"])
        #expect(try world.states() == ["superseded 3", "sent 2"])
        #expect(try world.text("select generation from instance") == "2")
        #expect(try world.text("select open_command from instance") == world.lastCommand().uuidString.lowercased())
    }

    @Test func `an upgrade keeps the values, a deployment replaces them`() throws {
        try world.deploy("1.0.0", #""values":"color: red""#)
        let upgrade = #"{"project":"shop","environment":"staging","instance":"web","version":"1.1.0"}"#
        try world.request("instance.upgrade", key: "shop/staging", upgrade)
        #expect(try world.published("agent.commands.c1").last?["values"] == "replicas: 1\ncolor: red\n")
        try world.deploy("1.1.0")
        #expect(try world.published("agent.commands.c1").last?["values"] == "replicas: 1\n")
    }

    @Test
    func `requests of one batch are decided in their order`() throws {
        let outcomes = try world.handle([
            world.message("project.create", key: "new", #"{"project":"new"}"#, as: "root"),
            world.message("application.create", key: "new", #"{"project":"new","application":"api"}"#, as: "root"),
            world.message("project.create", key: "new", #"{"project":"new"}"#, as: "root"),
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0")),
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.1.0")),
        ])
        #expect(outcomes.prefix(2) == [.applied, .applied])
        #expect(outcomes[2] == .rejected(.exists("project", "new")))
        #expect(outcomes.suffix(2) == [.applied, .applied])
        #expect(try world.states() == ["superseded 3", "sent 2"])
    }

    // MARK: Who speaks

    /// A request as the release worker makes it when a rule fires.
    private func own(
        _ source: String = "/slipway/release-worker",
        signed: Bool,
        onBehalfOf: String? = nil,
        daysAgo: Int64 = 0
    ) -> KafkaMessageView {
        let event = OutgoingEvent(
            id: "rule-1",
            type: "slipway.instance.deploy.v1",
            source: source,
            subject: nil,
            time: (CommandWorld.milliseconds() - daysAgo * 86_400_000) * 1000,
            data: Array(CommandWorld.deployment("1.0.0").utf8),
            extensions: onBehalfOf.map { [("onbehalfof", $0)] } ?? []
        )
        let sealed = event.signed(
            .fleet,
            topic: "deployment.requests",
            key: "shop/staging",
            with: world.fleetKey.requestKey,
            keyID: 1
        )
        return KafkaMessageView(
            topic: "deployment.requests",
            brokerTime: CommandWorld.milliseconds(),
            key: "shop/staging",
            headers: (signed ? sealed : event).headers,
            value: event.data
        )
    }

    @Test
    func `a forged source is rejected and touches nothing of the one that it pretends to be`() throws {
        guard case .rejected(let reason)? = try world.handle([own(signed: false)]).first else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "forged_source")
        #expect(reason.field == "ce_source")
        #expect(try world.text("select count(*) from instance") == "0")
        #expect(try world.handle([own(signed: true, onBehalfOf: "olga")]) == [.applied])
        #expect(try world.states() == ["sent 2"])
    }

    @Test func `a copy of a rule's request that somebody sends in after weeks is refused`() throws {
        let copy = own(signed: true, onBehalfOf: "olga", daysAgo: 16)
        guard case .rejected(let reason)? = try world.handle([copy]).first else {
            Issue.record("it was done")
            return
        }
        #expect(reason.code == "too_old")
        #expect(try world.text("select count(*) from instance") == "0")
    }

    @Test func `a rule acts on behalf of the one who made it`() throws {
        #expect(try world.handle([own(signed: true, onBehalfOf: "olga")]) == [.applied])
        #expect(try world.text("select caller from command where instance_id is not null") == "olga (rule)")
    }

    @Test(arguments: ["eve", nil])
    func `a rule may do no more than the one who made it, and nothing for nobody`(creator: String?) throws {
        guard case .rejected(let reason)? = try world.handle([own(signed: true, onBehalfOf: creator)]).first else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "not_permitted")
    }

    @Test
    func `nobody else can claim to act on behalf of another`() throws {
        try world.request(
            "instance.deploy",
            key: "shop/staging",
            CommandWorld.deployment("1.0.0"),
            source: "/portal",
            headers: [("ce_onbehalfof", "/users/admin")]
        )
        #expect(try world.text("select caller from command where instance_id is not null") == "olga")
    }

    @Test
    func `a header that stands twice cannot change what was signed`() throws {
        var headers: [(String, String)] = [
            ("ce_type", "slipway.instance.upgrade.v1"), ("ce_onbehalfof", "/users/admin"),
        ]
        let signed = own(signed: true, onBehalfOf: "/users/eve")
        signed.forEachAttributeHeader { name, text in headers.append((name, text ?? "")) }
        headers.append((MessageSignature.header, signed.header(MessageSignature.header) ?? ""))
        let message = KafkaMessageView(
            topic: signed.topic,
            key: signed.key,
            headers: headers,
            value: signed.valueBytes
        )
        guard case .deadLettered? = try world.handle([message]).first else {
            Issue.record("it was taken")
            return
        }
        #expect(try world.published() == [])
    }
}
