import ClusterAgent
import Domain
import JSON
import Testing

struct AgentSessionTests {
    @Test func `nothing but hello is said before the welcome`() {
        var world = SessionWorld()
        world.read(.work(.namespace(.staging())))
        world.catchUp()
        world.pass(seconds: 12)
        #expect(Set(world.said) == ["hello"])
        #expect(world.said.count == 3, "a hello without an answer is repeated every five seconds")
        #expect(world.started.isEmpty)
    }

    @Test func `a welcome for another boot changes nothing`() {
        var world = SessionWorld()
        world.welcome(boot: "someone-else")
        world.catchUp()
        #expect(world.session.epoch == nil)
    }

    @Test func `a welcomed agent acts only after it has read its topic to the end`() {
        var world = SessionWorld()
        world.welcome(open: ["n"])
        world.read(.work(.namespace(.staging())))
        #expect(world.started.isEmpty)
        world.catchUp()
        #expect(world.started.map(\.mark.command) == ["n"])
        world.pass(seconds: 2)
        #expect(world.session.isActive)
        #expect(world.said.filter { $0 != "hello" && $0 != "heartbeat" } == ["acknowledged", "applied"])
    }

    @Test func `of a backlog only the highest generation that is open and not withdrawn is done`() {
        var world = SessionWorld()
        for generation in [1, 3, 2] { world.read(.work(.release(.web(generation: Int64(generation))))) }
        world.read(.work(.release(.web(generation: 4, instance: "web-2"))))
        world.read(.withdrawn(Withdrawn(command: "c-4", generation: 4, namespace: "shop-staging", instance: "web-2")))
        world.read(.work(.release(.web(generation: 9, command: "ended", instance: "web-3"))))
        world.welcome(open: ["c-1", "c-2", "c-3", "c-4"])
        world.catchUp()
        #expect(world.started.map(\.mark.command) == ["c-3"])
        #expect(world.done.count == 6, "each is done with but the one that has begun")
        #expect(world.session.takeOutcomes() == [.superseded: 2, .withdrawn: 2])
        world.pass(seconds: 10)
        #expect(world.session.takeOutcomes() == [.failed: 1], "its namespace is not there")
    }

    @Test func `work that is withdrawn, or that a newer command overtakes, is not tried again and again`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        world.read(.work(.release(.web(generation: 2))))
        #expect(world.givenUp.isEmpty)
        world.read(.work(.release(.web(generation: 1, command: "older"))))
        #expect(world.givenUp.isEmpty)
        world.read(.work(.release(.web(generation: 3))))
        #expect(world.givenUp == [CommandMark(command: "c-2", generation: 2)])
        world.read(.withdrawn(Withdrawn(command: "c-3", generation: 3, namespace: "shop-staging", instance: "web-1")))
        #expect(world.givenUp.count == 2, "the one that runs is of a generation before the one that is withdrawn")
    }

    @Test func `a command is done once however often it comes, and its end is told each time`() throws {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        for _ in 0..<3 { world.read(.work(.release(.web()))) }
        world.pass(seconds: 10)
        for _ in 0..<2 { world.read(.work(.release(.web()))) }
        #expect(world.started.map(\.mark.command) == ["n", "c-1"])
        let applied = world.statements("applied").filter { $0.text("command") == "c-1" }
        #expect(applied.count == 3)
        #expect(try #require(applied.last).kinds == ["Deployment", "Service"])
        #expect(world.done.count == world.read, "every command is done with")
    }

    @Test func `another boot of the agent finds in the cluster what was done`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        world.restart(boot: "boot-2")
        world.welcome(epoch: 2, open: ["c-1"])
        world.catchUp()
        world.read(.work(.release(.web())))
        #expect(world.started.count == 2)
        #expect(world.statements("applied").last?.text("command") == "c-1")
        #expect(world.statements("applied").last?.message.epoch == 2)
    }

    @Test func `work that a boot before began is not begun twice, and this boot tells its end`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        world.read(.work(.release(.web())))
        world.restart(boot: "boot-2")
        world.welcome(epoch: 2, open: ["c-1"])
        world.catchUp()
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        #expect(world.statements("applied").filter { $0.text("command") == "c-1" }.count == 1)
        #expect(world.changes(of: "Deployment").first?.text("kind") == "Deployment")
    }

    @Test(arguments: [true, false])
    func `what a boot before did of a command that is over is told, so that the fleet knows what runs`(
        isWithdrawn: Bool
    ) {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        world.messages = []
        world.restart(boot: "boot-2")
        world.read(.work(.release(.web())))
        if isWithdrawn {
            world.read(.withdrawn(Withdrawn(command: "c-1", generation: 1, namespace: "shop-staging", instance: "web")))
        }
        world.catchUp()
        world.welcome(epoch: 2, open: [])
        #expect(world.statements("applied").map { $0.text("command") } == ["c-1"])
        #expect(world.statements("applied").first?.message.epoch == 2)
        #expect(world.done.count == world.read)
    }

    @Test func `what a boot before did is told, though a newer command in the backlog has taken its place and is over`()
    {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        world.messages = []
        world.restart(boot: "boot-2")
        world.read(.work(.release(.web())))
        world.read(.work(.release(.web(generation: 2))))
        world.catchUp()
        world.welcome(epoch: 2, open: [])
        #expect(world.statements("applied").map { $0.text("command") } == ["c-1"])
        #expect(world.done.count == world.read)
    }

    @Test func `a repair that a boot before was asked for and that is over is not told as done`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        world.messages = []
        world.restart(boot: "boot-2")
        var repair = ReleaseRequested.web()
        repair.repair = true
        world.read(.work(.release(repair)))
        world.catchUp()
        world.welcome(epoch: 2, open: [])
        #expect(world.statements("applied").isEmpty)
        #expect(world.done.count == world.read)
    }

    @Test func `work that waits for room is acknowledged again, under another number, until it has ended`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        let work = ClusterWork.release(.web())
        world.read(.work(work))
        world.take(.waiting(work))
        world.take(.waiting(.release(.web(generation: 2))))
        let said = world.statements("acknowledged").filter { $0.text("command") == "c-1" }
        #expect(said.count == 2 && Set(said.map(\.message.id)).count == 2)
        world.pass(seconds: 5)
        world.take(.waiting(work))
        #expect(world.statements("acknowledged").filter { $0.text("command") != "n" }.count == 2)
    }

    @Test func `a repair that waits for room is acknowledged once`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        var repair = ReleaseRequested.web()
        repair.repair = true
        world.read(.work(.release(repair)))
        world.take(.waiting(.release(repair)))
        #expect(world.statements("acknowledged").filter { $0.text("command") == "c-1" }.count == 1)
        #expect(world.started.contains(.release(repair)))
    }

    @Test func `an older generation than the cluster's own is refused`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        world.read(.work(.release(.web(generation: 5))))
        world.pass(seconds: 2)
        world.read(.work(.release(.web(generation: 4))))
        #expect(world.statements("failed").map { $0.text("code") } == ["superseded_generation"])
    }

    @Test func `a failure is told, and told again when the command comes again`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.release(.web())))
        world.pass(seconds: 2)
        world.read(.work(.release(.web())))
        #expect(world.statements("failed").map { $0.text("code") } == ["namespace_missing", "namespace_missing"])
        #expect(world.started.count == 1)
    }

    @Test func `an upgrade waits until the release before it is applied`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        world.read(.work(.release(.web())))
        world.read(.work(.release(.web(generation: 2))))
        #expect(world.started.map(\.mark.command) == ["n", "c-1"])
        world.pass(seconds: 2)
        #expect(world.started.map(\.mark.command) == ["n", "c-1", "c-2"])
    }

    @Test func `a superseded boot says nothing more, and abandons what it was doing`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.superseded(Superseded(boot: "boot-1", reason: "another agent said hello")))
        #expect(world.stopReason == "another agent said hello")
        #expect(world.abandoned.map(\.command) == ["n"])
        let count = world.messages.count
        world.read(.helloRequested)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 30)
        #expect(world.messages.count == count)
    }

    @Test func `a snapshot holds every object and ends every kind, the empty ones too`() throws {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 10)
        let before = world.messages.count
        world.read(.snapshotRequested(namespace: "shop-staging"))
        world.pass(seconds: 0.1)
        let sent = world.messages.dropFirst(before).filter { $0.topic == "resource.changes" }.map(
            SessionWorld.Body.init
        )
        let ends = sent.filter { $0.message.type == "slipway.resource.snapshot_ended.v1" }
        #expect(Set(ends.map { $0.text("kind") }).isSuperset(of: WatchedKind.usual.map(\.kind)))
        let pods = try #require(ends.first { $0.text("kind") == "Pod" })
        #expect(pods.number("count") == 2)
        #expect(pods.number("began") == pods.message.sequence - 2)
        let jobs = try #require(ends.first { $0.text("kind") == "Job" })
        #expect(jobs.number("count") == 0)
        #expect(jobs.number("began") == jobs.message.sequence)
    }

    @Test func `each stream is numbered from 1 without gaps in each epoch`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 10)
        world.read(.helloRequested)
        world.pass(seconds: 0.1)
        world.welcome(epoch: 7)
        world.pass(seconds: 10)
        for topic in ["agent.status", "resource.changes"] {
            for epoch in [Int64(1), 7] {
                let streams = Dictionary(
                    grouping: world.messages.filter { $0.topic == topic && $0.epoch == epoch },
                    by: \.key
                )
                #expect(!streams.isEmpty)
                for stream in streams.values {
                    #expect(stream.map(\.sequence) == Array(1...Int64(stream.count)))
                }
            }
        }
        #expect(Set(world.messages.map(\.id)).count == world.messages.count)
    }

    @Test func `after being cut off an agent sends everything it sees and reads to the end before it acts`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 2)
        let before = world.messages.count
        world.session.reconnect(now: world.now)
        world.read(.work(.release(.web())))
        world.pass(seconds: 1)
        #expect(world.started.count == 1)
        let sent = world.messages.dropFirst(before).map(\.type)
        #expect(sent.contains("slipway.agent.heartbeat.v1") && sent.contains("slipway.resource.snapshot_ended.v1"))
        world.catchUp()
        #expect(world.started.count == 2)
    }
}
