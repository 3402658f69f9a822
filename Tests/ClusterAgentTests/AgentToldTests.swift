import ClusterAgent
import Domain
import Testing

/// What an agent has said to be done and that may not have arrived is said again.
struct AgentToldTests {
    /// A world in which a release was done and told.
    private func world() -> SessionWorld {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        world.messages = []
        return world
    }

    private func told(_ world: SessionWorld) -> [String?] {
        world.statements("applied").map { $0.text("command") }
    }

    private let hour: Int64 = 3_600_000_000

    @Test func `what was done is told again after a loss, also of a command that the fleet does not ask for any more`()
    {
        var world = world()
        world.welcome(open: [])
        #expect(told(world).isEmpty, "nothing was lost")
        world.session.repeatHello(now: world.now)
        world.welcome(open: ["n"])
        world.welcome(open: [])
        #expect(told(world) == ["c-1"])
    }

    @Test func `what did not arrive is told however long Kafka was away`() {
        var world = world()
        world.session.repeatHello(now: world.now)
        world.now += 2 * hour
        world.session.repeatHello(now: world.now)
        world.welcome(open: ["n"])
        #expect(told(world) == ["c-1"])
    }

    @Test func `what was told again and did not arrive then either is told once more`() {
        var world = world()
        world.session.repeatHello(now: world.now)
        world.now += 2 * hour
        world.welcome(open: ["n"])
        world.welcome(open: ["n"])
        world.session.repeatHello(now: world.now + hour / 2)
        world.welcome(open: ["n"])
        #expect(told(world) == ["c-1", "c-1"])
    }

    @Test(arguments: [true, false])
    func `what was told long before a loss has arrived, and is not told again`(isWelcomed: Bool) {
        var world = world()
        world.now += 2 * hour
        if isWelcomed { world.welcome(open: []) }
        world.session.repeatHello(now: world.now)
        world.welcome(open: [])
        #expect(told(world).isEmpty)
    }
}
