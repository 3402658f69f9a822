import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// One agent speaks for a cluster, and what it reports moves its own cluster's commands only.
@Suite struct AgentStatusHandlerTests {
    let world: CommandWorld
    static let second = "0b000000-0000-4000-8000-000000000002"

    init() throws {
        world = try CommandWorld.ready()
    }

    private func cluster(_ column: String) throws -> String? {
        try world.text("select \(column) from cluster where cluster = 'c1'")
    }

    @Test func `a hello whose boot is no id is set aside with the reason`() throws {
        let body = #"{"boot":"first","clusterUID":"uid-1","agentVersion":"1"}"#
        let outcomes = try world.follow([world.status("hello", body, epoch: 0, sequence: 1)])
        guard case .deadLettered(let reason) = outcomes[0] else {
            Issue.record("it was welcomed")
            return
        }
        #expect(reason.code == "invalid_field" && reason.field == "boot")
    }

    @Test func `a hello is welcomed, and the open commands are sent again in their order`() throws {
        try world.deploy(instance: "web")
        try world.deploy(instance: "api")
        let commands = try world.connection.query("select id from command where state = 'sent' order by created_at")
            .map { try $0.uuid(0).uuidString.lowercased() }
        let sent = try world.published("agent.commands.c1").map(\.id)
        try world.connect("c1", boot: Self.second)
        let all = try world.published("agent.commands.c1")
        #expect(all.first?.name == "superseded", "the former boot is told before the new one acts")
        #expect(all.first?["boot"] == CommandWorld.boot)
        let messages = Array(all.dropFirst())
        #expect(messages.map(\.name) == ["welcomed", "release_requested", "release_requested"])
        #expect(messages[0]["epoch"] == "2")
        #expect(messages[0]["open"] == commands.joined(separator: " "))
        #expect(messages[0]["namespaces"] == "shop-staging")
        #expect(messages.dropFirst().map { $0["command"] } == commands)
        #expect(messages.dropFirst().map(\.id) == sent, "what is sent again is the same message")
        #expect(messages.allSatisfy { $0.headers["ce_epoch"] == "2" })
    }

    @Test func `a command whose passwords cannot be decrypted keeps no other one from the agent`() throws {
        try world.deploy()
        try world.ask("config-map.create", #""configMap":"settings","data":{"color":"red"}"#)
        try world.connection.script(
            "update application set registry_server = 'r', registry_username = 'u', registry_password = 'damaged'"
        )
        _ = try world.published()
        #expect(try world.connect("c1", boot: Self.second) == .applied)
        let messages = try world.published("agent.commands.c1")
        #expect(messages.map(\.name) == ["superseded", "welcomed", "objects_requested"])
        #expect(messages[1]["open"]?.split(separator: " ").count == 2)
    }

    @Test func `a namespace that is still to be made is asked for again`() throws {
        try world.request(
            "environment.create",
            key: "shop/dev",
            #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        )
        _ = try world.published()
        try world.connect("c1", boot: Self.second)
        let messages = try world.published("agent.commands.c1")
        #expect(messages.map(\.name) == ["superseded", "welcomed", "namespace_requested"])
        #expect(messages.last?["namespace"] == "shop-dev")
    }

    @Test
    func `a new boot takes over; what the old one still sends moves nothing, and it is told to stop`() throws {
        try world.deploy()
        try world.connect("c1", boot: Self.second)
        _ = try world.published()
        #expect(try world.report("acknowledged", of: try world.lastCommand(), epoch: 1) == .stale)
        #expect(try world.states() == ["sent 2"])
        #expect(
            try world.follow([world.status("heartbeat", #"{"boot":"\#(CommandWorld.boot)"}"#, epoch: 1)]) == [.stale]
        )
        let stop = try #require(try world.published("agent.commands.c1").first)
        #expect(stop.name == "superseded")
        #expect(stop["boot"] == CommandWorld.boot)
        #expect(try world.report("acknowledged", of: try world.lastCommand(), epoch: 2) == .applied)
        #expect(try world.states() == ["acknowledged 3"])
    }

    @Test func `a boot that was superseded and says hello again is a conflict`() throws {
        try world.connect("c1", boot: Self.second)
        _ = try world.published()
        guard case .rejected(let reason) = try world.connect("c1") else {
            Issue.record("it was welcomed")
            return
        }
        #expect(reason.code == "hello_refused")
        #expect(try world.published("agent.commands.c1").map(\.name) == ["superseded"])
        #expect(try cluster("state") == "conflict")
        #expect(try cluster("epoch") == "2")
    }

    @Test func `a cluster with another uid cannot take the name over`() throws {
        guard case .rejected = try world.connect("c1", boot: Self.second, uid: "uid-2") else {
            Issue.record("it was welcomed")
            return
        }
        #expect(try cluster("uid") == "uid-1")
        #expect(try cluster("epoch") == "1")
        #expect(try cluster("boot") == CommandWorld.boot)
    }

    @Test func `a conflict ends two minutes after the last hello that was refused, while the present boot goes on`()
        throws
    {
        let start = CommandWorld.milliseconds()
        let intruder = #"{"boot":"\#(Self.second)","clusterUID":"uid-2","agentVersion":"1"}"#
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        func refuse(after seconds: Int64) throws -> String? {
            let time = start + seconds * 1000
            try world.follow([world.status("hello", intruder, epoch: 0, sequence: 1, brokerTime: time)])
            return try cluster("state")
        }
        func speak(after seconds: Int64) throws -> String? {
            try world.follow([world.status("heartbeat", beat, brokerTime: start + seconds * 1000)])
            return try cluster("state")
        }
        #expect(try refuse(after: 1) == "conflict")
        #expect(try speak(after: 100) == "conflict")
        #expect(try refuse(after: 110) == "conflict")
        #expect(try speak(after: 230) == "conflict", "whoever is refused and says hello again keeps it up")
        #expect(try speak(after: 231) == "connected")
        #expect(try cluster("hello_refused_at") == nil)
        #expect(try cluster("boot") == CommandWorld.boot)
    }

    @Test func `a conflict that a worker of the version before has seen ends, too`() throws {
        try world.connection.script("update cluster set state = 'conflict'")
        let start = CommandWorld.milliseconds()
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        let states = try ([0, 121] as [Int64]).map { seconds in
            try world.follow([world.status("heartbeat", beat, brokerTime: start + seconds * 1000)])
            return try cluster("state")
        }
        #expect(states == ["conflict", "connected"])
    }

    @Test func `a message signed by another cluster, or by nobody, is dead-lettered`() throws {
        try world.register("c2")
        let body = #"{"boot":"\#(CommandWorld.boot)"}"#
        let forged = world.status("heartbeat", body, signedBy: "c2")
        var headers: [(String, String)] = []
        forged.forEachAttributeHeader { headers.append(($0, $1 ?? "")) }
        let unsigned = KafkaMessageView(topic: "agent.status", key: "c1", headers: headers, value: Array(body.utf8))
        for outcome in try world.follow([forged, unsigned]) {
            guard case .deadLettered(let reason) = outcome else {
                Issue.record("it was taken")
                continue
            }
            #expect(reason.code == "bad_signature")
        }
    }

    @Test
    func `a cluster cannot report on another cluster's command`() throws {
        try world.deploy()
        try world.register("c2")
        try world.connect("c2", boot: Self.second, uid: "uid-2")
        for report in ["acknowledged", "failed"] {
            let more = report == "failed" ? #""code":"x","message":"y""# : ""
            guard
                case .deadLettered(let reason) = try world.report(
                    report,
                    of: try world.lastCommand(),
                    more,
                    cluster: "c2"
                )
            else {
                Issue.record("\(report) was taken")
                continue
            }
            #expect(reason.code == "other_cluster")
        }
        #expect(try world.states() == ["sent 2"])
    }

    @Test func `numbers that are missing are counted, repeats change nothing`() throws {
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        let last = Int64(try cluster("sequence") ?? "") ?? 0
        #expect(
            try world.follow([
                world.status("heartbeat", beat, sequence: last + 4),
                world.status("heartbeat", beat, sequence: last + 4),
                world.status("heartbeat", beat, sequence: last + 2),
            ]) == [.applied, .repeated, .repeated]
        )
        #expect(try cluster("gaps") == "3")
        #expect(try cluster("sequence") == String(last + 4))
    }

    @Test func `an agent that was not welcomed counts for nothing and is asked for its hello`() throws {
        try world.register("c2")
        #expect(
            try world.follow([
                world.status("heartbeat", #"{"boot":"\#(Self.second)"}"#, cluster: "c2", epoch: 0, sequence: 7)
            ]) == [.stale]
        )
        #expect(try world.published("agent.commands.c2").map(\.name) == ["hello_requested"])
        #expect(try world.text("select last_seen from cluster where cluster = 'c2'") == nil)
    }

    @Test func `an epoch that the database does not know asks for a hello`() throws {
        #expect(try world.follow([world.status("heartbeat", #"{"boot":"\#(Self.second)"}"#, epoch: 9)]) == [.stale])
        #expect(try world.published("agent.commands.c1").map(\.name) == ["hello_requested"])
    }

    @Test func `an agent lives by its newest message, however late an old one is read`() throws {
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        let now = CommandWorld.milliseconds() + 60_000
        try world.follow([world.status("heartbeat", beat, brokerTime: now)])
        let seen = try cluster("last_seen")
        try world.follow([world.status("heartbeat", beat, brokerTime: now - 3_600_000)])
        #expect(try cluster("last_seen") == seen)
    }

    @Test func `what was measured of a clock is the boot's that it was measured of`() throws {
        try world.connection.script("update cluster set clock_ahead_us = 90000000, clock_since = now()")
        try world.beat()
        #expect(try cluster("clock_ahead_us") == "90000000", "the largest difference of an hour counts")
        try world.connect("c1", boot: Self.second)
        #expect(try cluster("concat_ws(' ', clock_ahead_us, clock_since)") == "")
        try world.beat(epoch: 2, boot: Self.second)
        #expect(try cluster("clock_ahead_us < 0 and clock_since is not null") == "true")
    }

    @Test func `an environment is active when its namespace is there, and others hear of it`() throws {
        try world.request(
            "environment.create",
            key: "shop/dev",
            #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        )
        let command = try world.lastCommand()
        _ = try world.published()
        try world.report("acknowledged", of: command)
        try world.report("applied", of: command, #""objects":[]"#)
        let messages = try world.published()
        #expect(messages.map(\.topic).suffix(3) == ["deployment.results", "environment.status", "cdevents"])
        #expect(messages.map(\.name).prefix(3) == ["acknowledged", "applied", "succeeded"])
        #expect(messages[3]["state"] == "active")
        #expect(messages[4].type == "dev.cdevents.environment.created.0.3.0")
        #expect(try world.states("dev") == ["succeeded 5"])
        #expect(try world.text("select state from environment where environment = 'dev'") == "active")
    }
}
