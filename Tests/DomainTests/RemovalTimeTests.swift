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
}
