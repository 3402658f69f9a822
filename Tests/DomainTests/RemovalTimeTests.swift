import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// How long a removal may take, and what becomes of one that takes longer.
@Suite struct RemovalTimeTests {
    let world: CommandWorld

    /// An instance that runs.
    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.succeed(try world.lastCommand())
        _ = try world.published()
    }

    /// Lets seconds pass for the open commands.
    private func pass(_ seconds: Int) throws {
        try world.connection.script(
            """
            update command
            set step_deadline = step_deadline - interval '\(seconds) seconds',
                deadline = deadline - interval '\(seconds) seconds'
            where state in ('sent', 'acknowledged', 'applied')
            """
        )
        try world.passTime()
    }

    private func state(of command: UUID) throws -> String? {
        try world.text("select concat_ws(' ', state, reason_code) from command where id = '\(command)'")
    }

    @Test(arguments: [
        ("instance.delete", #""instance":"web""#, "timed_out not_applied"),
        ("instance.delete", #""instance":"web","timeoutSeconds":900"#, "acknowledged"),
        ("environment.delete", #""force":true"#, "timed_out not_applied"),
        ("environment.delete", #""force":true,"timeoutSeconds":900"#, "acknowledged"),
    ])
    func `a request may give a removal more time to be applied`(type: String, members: String, end: String) throws {
        #expect(try world.ask(type, members) == .applied)
        let removal = try world.lastCommand()
        try world.report("acknowledged", of: removal)
        try pass(301)
        #expect(try state(of: removal) == end)
    }

    /// Lets the agent take a command, and time end it.
    private func overtake(_ command: UUID) throws {
        try world.report("acknowledged", of: command)
        try world.end(command, as: "timed_out")
    }

    @Test(arguments: ["upgrade", "delete"], ["rollback", "stop", "delete"])
    func `what is asked for while the agent is still at a command that ended has its time when that is over`(
        first: String,
        second: String
    ) throws {
        try world.succeed(try world.order("upgrade", #""version":"1.1.0""#))
        let before = try world.order(first, first == "upgrade" ? #""version":"1.0.0""# : "")
        try overtake(before)
        let after = try world.order(second)
        try pass(61)
        #expect(try state(of: after) == "sent", "the agent cannot take it yet")
        try world.report("failed", of: before, #""code":"x","message":"y""#)
        try pass(61)
        #expect(try state(of: after) == "timed_out not_acknowledged")
    }

    @Test func `so has a deletion of an environment`() throws {
        #expect(try world.ask("environment.delete", #""force":true"#) == .applied)
        let before = try world.lastCommand()
        try overtake(before)
        #expect(try world.ask("environment.delete", #""timeoutSeconds":600"#) == .applied)
        let after = try world.lastCommand()
        try pass(61)
        #expect(try state(of: after) == "sent", "the agent cannot take it yet")
        try world.report("applied", of: before, #""objects":[]"#)
        #expect(try world.text("select state from environment") == "deleting", "the one on its way tells the end")
        try world.report("applied", of: after, #""objects":[]"#)
        #expect(try world.text("select state from environment") == "deleted")
    }

    @Test func `an agent that is away is not waited for, nor one that has told how it ended`() throws {
        let before = try world.order("delete")
        try overtake(before)
        try world.connection.script("update cluster set state = 'lost'")
        let second = try world.order("delete")
        try pass(61)
        #expect(try state(of: second)?.hasPrefix("timed_out") == true)
        try world.connection.script("update cluster set state = 'connected'")
        try world.report("failed", of: before, #""code":"x","message":"y""#)
        let third = try world.order("delete")
        try pass(61)
        #expect(try state(of: third) == "timed_out not_acknowledged")
    }

    @Test func `an agent that says nothing of a command for a quarter of an hour is not at it any more`() {
        #expect(CommandQueue.busyUntil(taken: 0, now: 899_000_000) == 900_000_000)
        #expect(CommandQueue.busyUntil(taken: 0, now: 900_000_000) == nil)
    }
}
