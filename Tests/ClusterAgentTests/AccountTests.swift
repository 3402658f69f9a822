import Domain
import Testing

@testable import ClusterAgent

/// Heartbeats say whether an agent has told all that it sees: before that nothing is judged by what it told.
struct AccountTests {
    private var world = SessionWorld(isWelcome: true)

    /// What the newest heartbeat says.
    private mutating func newest() throws -> Bool {
        world.messages = []
        world.pass(seconds: 6)
        let beat = try #require(world.messages.last { $0.type == AgentStatusType.heartbeat })
        return String(decoding: beat.data, as: UTF8.self).contains(#""complete":true"#)
    }

    @Test mutating func `it is complete when everything told after the welcome has arrived`() throws {
        #expect(try !newest())
        let mark = try #require(world.told)
        world.session.complete(mark, now: world.now)
        #expect(try newest())
    }

    @Test mutating func `while something is held up on its way, nobody knows whether all has arrived`() throws {
        world.pass(seconds: 1)
        world.session.complete(try #require(world.told), now: world.now)
        world.session.isHeldUp = true
        #expect(try !newest())
        world.session.isHeldUp = false
        #expect(try newest())
    }

    @Test mutating func `it is told behind the last snapshot`() throws {
        world.pass(seconds: 1)
        _ = try #require(world.told)
        var kinds = 0
        for message in world.messages where message.type == ResourceChangeType.snapshotEnded { kinds += 1 }
        #expect(kinds == world.cluster.kinds.count)
    }

    @Test mutating func `its completion is said at once, and not only after the next period`() throws {
        world.pass(seconds: 0.5)
        world.messages = []
        world.session.complete(try #require(world.told), now: world.now)
        world.pass(seconds: 0.1)
        #expect(world.messages.map(\.type) == [AgentStatusType.heartbeat])
    }

    @Test mutating func `one that was cut off begins again, and so does one whose words were lost`() throws {
        world.pass(seconds: 1)
        let first = try #require(world.told)
        world.session.reconnect(now: world.now)
        world.session.complete(first, now: world.now)
        #expect(try !newest(), "an earlier account is not the present one")
        let second = try #require(world.told)
        world.session.repeatHello(now: world.now)
        world.session.complete(second, now: world.now)
        #expect(try !newest(), "it owes a new one until the fleet has answered its hello")
        world.welcome()
        _ = try newest()
        world.session.complete(try #require(world.told), now: world.now)
        #expect(try newest())
    }
}
