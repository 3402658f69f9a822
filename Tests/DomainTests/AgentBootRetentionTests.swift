import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Boots of agents are remembered for as long as they might speak, and no longer.
@Suite struct AgentBootRetentionTests {
    let world: CommandWorld

    /// The boots 1 to 3, each of which has taken over from the one before.
    init() throws {
        world = try CommandWorld.ready()
        for number in 2...3 { try world.connect("c1", boot: Self.boot(number)) }
    }

    private static func boot(_ number: Int) -> String { "0b000000-0000-4000-8000-00000000000\(number)" }

    private func age(_ number: Int, days: Int) throws {
        try world.connection.script(
            "update agent_boot set first_seen = now() - interval '\(days) days' where boot = '\(Self.boot(number))'"
        )
    }

    /// The boots that are remembered when one more has taken over.
    private func remembered(after number: Int) throws -> String? {
        try world.connect("c1", boot: Self.boot(number))
        return try world.text("select string_agg(right(boot::text, 1), ' ' order by boot) from agent_boot")
    }

    @Test func `a boot is forgotten long after another one took over, however long ago it began`() throws {
        try age(1, days: 100)
        #expect(try remembered(after: 4) == "1 2 3 4")
        try age(2, days: 29)
        #expect(try remembered(after: 5) == "1 2 3 4 5")
        try age(2, days: 31)
        #expect(try remembered(after: 6) == "2 3 4 5 6")
    }

    @Test func `all from whom others took over go at once, and none of another cluster`() throws {
        try world.register("c2")
        for number in 7...8 { try world.connect("c2", boot: Self.boot(number), uid: "uid-2") }
        for number in [1, 2, 3, 7, 8] { try age(number, days: 100) }
        #expect(try remembered(after: 4) == "3 4 7 8")
    }

    @Test func `a new boot writes nothing of those that were superseded before`() throws {
        func writer() throws -> String? {
            try world.text("select xmin from agent_boot where boot = '\(Self.boot(1))'")
        }
        let before = try writer()
        try world.connect("c1", boot: Self.boot(4))
        #expect(try writer() == before)
        #expect(try world.text("select count(*) from agent_boot where not superseded") == "1")
    }
}
