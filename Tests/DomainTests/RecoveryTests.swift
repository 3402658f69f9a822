import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// After a recovery agents come back by themselves, and what is open goes on.
@Suite struct RecoveryTests {
    private static let jump: Int64 = 1 << 32
    let world: CommandWorld
    let command: String

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        command = try world.lastCommand().uuidString.lowercased()
        _ = try world.published()
        try world.connection.script("update installation set timeline = timeline + 1")
        let report = try Recovery(fleetKey: world.fleetKey).run(on: world.connection)
        #expect(report.openCommands == 1)
        #expect(report.clusters == 1)
        #expect(report.published == 2)
    }

    @Test func `the agent is asked for its hello once a batch and not told to stop`() throws {
        let asked = try #require(try world.published("agent.commands.c1").first)
        #expect(asked.name == "hello_requested")
        #expect(asked.headers["ce_epoch"] == String(Self.jump + 1))
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        #expect(
            try world.follow([world.status("heartbeat", beat), world.status("heartbeat", beat)]) == [.stale, .stale]
        )
        #expect(try world.published("agent.commands.c1").map(\.name) == ["hello_requested"])
    }

    @Test func `an agent that began after the back-up is asked for its hello too, a superseded one is told to stop`()
        throws
    {
        let later = "0b000000-0000-4000-8000-000000000009"
        _ = try world.published()
        try world.follow([world.status("heartbeat", #"{"boot":"\#(later)"}"#, epoch: 2)])
        #expect(try world.published("agent.commands.c1").map(\.name) == ["hello_requested"])
        try world.connect("c1", boot: later)
        _ = try world.published()
        try world.follow([world.status("heartbeat", #"{"boot":"\#(CommandWorld.boot)"}"#)])
        #expect(try world.published("agent.commands.c1").map(\.name) == ["superseded"])
    }

    @Test func `the same boot goes on under a new epoch, gets its open command again and ends it`() throws {
        _ = try world.published()
        #expect(try world.connect("c1") == .applied)
        let messages = try world.published("agent.commands.c1")
        #expect(messages.map(\.name) == ["welcomed", "release_requested"])
        #expect(messages[0]["epoch"] == String(Self.jump + 1))
        #expect(messages[1]["command"] == command)
        let id = try world.lastCommand()
        #expect(try world.report("acknowledged", of: id, epoch: Self.jump + 1) == .applied)
        let result = try #require(try world.published("deployment.results").last)
        #expect(result["state"] == "acknowledged")
        #expect(result["revision"] == String(Self.jump + 3))
        try world.deploy("1.1.0")
        let next = try #require(try world.published("agent.commands.c1").last { $0.name == "release_requested" })
        #expect(next["generation"] == String(Self.jump + 2), "no agent has seen a later one")
    }

    @Test func `a database that the fleet worked with is not touched`() throws {
        #expect(throws: StartError.self) {
            try Recovery(fleetKey: world.fleetKey).run(on: world.connection)
        }
        #expect(try world.text("select revision from project") == String(Self.jump + 1))
    }
}
