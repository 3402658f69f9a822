import Domain
import Foundation
import Testing

@testable import ClusterAgent

/// Logs that somebody asked for: bounded, followed and ended.
struct ContainerLogTests {
    /// A welcomed session whose cluster runs the release.
    private static func world(_ values: String = "replicaCount: 1", seconds: Double = 20) -> SessionWorld {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 2)
        world.read(.work(.release(.web(values: values))))
        world.pass(seconds: seconds)
        return world
    }

    @Test func `a log is read a second ahead, then at its pace; quiet times do not add up`() {
        let start = ContinuousClock.now
        var pace = LogPace(now: start)
        // A line that counts for a second.
        let second = LogPace.bytesPerSecond - LogPace.cost(of: 0)
        let half = LogPace.bytesPerSecond / 2 - LogPace.cost(of: 0)
        #expect(pace.pause(after: second, now: start) == .zero)
        #expect(pace.pause(after: half, now: start) == .milliseconds(500))
        #expect(pace.pause(after: second, now: start + .milliseconds(500)) == .seconds(1))
        let later = start + .seconds(3600)
        #expect(pace.pause(after: second, now: later) == .zero)
        #expect(pace.pause(after: second, now: later) == .seconds(1))
    }

    @Test func `lines without anything in them are no way around the pace, or around what may wait`() {
        let start = ContinuousClock.now
        var pace = LogPace(now: start)
        let lines = LogPace.bytesPerSecond / LogPace.cost(of: 0)
        for _ in 1...lines { #expect(pace.pause(after: 0, now: start) == .zero) }
        #expect(pace.pause(after: 0, now: start) > .zero)
        let view = ClusterView(kinds: [])
        let request = LogsRequested(
            command: "log",
            namespace: "n",
            pod: "p",
            container: "c",
            lines: nil,
            follow: true,
            seconds: 60,
            previous: false,
            bytes: 1024
        )
        view.tell(.logged(request, lines: ["", ""]))
        #expect(view.waitingLogCost == 2 * LogPace.cost(of: 0))
        _ = view.poll()
        #expect(view.waitingLogCost == 0)
    }

    private static func request(
        _ world: SessionWorld,
        command: String = "log",
        container: String = "web",
        lines: Int? = nil,
        seconds: Int? = nil,
        previous: Bool = false,
        bytes: Int = 100_000
    ) -> LogsRequested {
        let pods = world.cluster.objects(in: "shop-staging", kind: WatchedKind("v1", "Pod"))
        return LogsRequested(
            command: command,
            namespace: "shop-staging",
            pod: pods.first?.id.name ?? "",
            container: container,
            lines: lines,
            follow: seconds != nil,
            seconds: seconds ?? 0,
            previous: previous,
            bytes: bytes
        )
    }

    private static func logs(_ world: SessionWorld, of command: String = "log") throws -> [ContainerLog] {
        try world.messages.filter { $0.topic == "container.logs" }
            .map { try JSONDecoder().decode(ContainerLog.self, from: Data($0.data)) }
            .filter { $0.command == command }
    }

    @Test func `the newest lines are sent, then the end`() throws {
        var world = Self.world()
        world.read(.work(.log(Self.request(world, lines: 4))))
        world.pass(seconds: 1)
        let logs = try Self.logs(world)
        #expect(logs.flatMap(\.lines).count == 4)
        #expect(logs.map(\.sequence) == Array(1...Int64(logs.count)))
        #expect(logs.last?.ended == true && logs.last?.reason == "complete")
        #expect(logs.dropLast().allSatisfy { !$0.ended && $0.reason == nil })
        #expect(world.statements("applied").last?.text("command") == "log")
        #expect(world.statements("acknowledged").last?.text("command") == "log")
        #expect(world.done.count == world.read)
    }

    @Test func `a followed log goes on for as long as was asked, and ends once`() throws {
        var world = Self.world()
        let before = world.now
        world.read(.work(.log(Self.request(world, lines: 1, seconds: 5))))
        world.pass(seconds: 12)
        let logs = try Self.logs(world)
        #expect((5...8).contains(logs.flatMap(\.lines).count), "about a line a second")
        #expect(logs.last?.reason == "time_limit" && logs.filter(\.ended).count == 1)
        #expect(world.messages.last { $0.topic == "container.logs" }.map { $0.time - before < 6_000_000 } == true)
        #expect(world.statements("applied").filter { $0.text("command") == "log" }.count == 1)
    }

    @Test func `a followed log goes on as long as somebody listens, and ends when nobody does`() throws {
        var world = Self.world()
        world.read(.work(.log(Self.request(world, lines: 1, seconds: 5))))
        for _ in 1...3 {
            world.pass(seconds: 4)
            world.read(.logListened(LogListened(command: "log", seconds: 5)))
            #expect(try Self.logs(world).allSatisfy { !$0.ended })
        }
        world.pass(seconds: 4)
        #expect(try Self.logs(world).allSatisfy { !$0.ended })
        world.pass(seconds: 2)
        #expect(try Self.logs(world).last?.reason == "time_limit")
        world.read(.logListened(LogListened(command: "log", seconds: 5)))
        world.read(.logListened(LogListened(command: "another", seconds: 5)))
        #expect(world.done.count == world.read, "words that come too late are done with")
    }

    @Test func `a followed log that is withdrawn ends, and its command is not begun again`() throws {
        var world = Self.world()
        let request = Self.request(world, seconds: 600)
        world.read(.work(.log(request)))
        world.pass(seconds: 2)
        world.read(
            .withdrawn(Withdrawn(command: "w", generation: 0, namespace: "shop-staging", instance: "", logs: "log"))
        )
        #expect(try Self.logs(world).last?.reason == "withdrawn")
        #expect(world.statements("applied").last?.text("command") == "log")
        let count = try Self.logs(world).count
        world.read(.work(.log(request)))
        world.pass(seconds: 5)
        #expect(try Self.logs(world).count == count)
        #expect(world.done.count == world.read)
    }

    @Test(arguments: [1, 2, 60, 1000, 5000])
    func `no more bytes are sent than were asked for`(bytes: Int) throws {
        var world = Self.world(seconds: 120)
        world.read(.work(.log(Self.request(world, bytes: bytes))))
        world.pass(seconds: 1)
        let logs = try Self.logs(world)
        let sent = logs.flatMap(\.lines).reduce(0) { $0 + $1.utf8.count + 1 }
        #expect(sent <= bytes)
        #expect(logs.last?.reason == "byte_limit" && logs.contains(where: \.truncated))
    }

    @Test func `a container that has not started has no log yet`() {
        var world = Self.world("simulate: {failure: imagePull}")
        world.read(.work(.log(Self.request(world))))
        world.pass(seconds: 1)
        #expect(world.statements("failed").last?.text("code") == "container_not_started")
    }

    @Test(arguments: [("nobody", false, "unknown_container"), ("web", true, "unknown_container")])
    func `what is not there is said to be unknown`(container: String, previous: Bool, code: String) throws {
        var world = Self.world()
        world.read(.work(.log(Self.request(world, container: container, previous: previous))))
        world.pass(seconds: 1)
        #expect(world.statements("failed").map { $0.text("code") } == [code])
        #expect(try Self.logs(world).isEmpty)
    }

    @Test func `a container that was started again has the log of its run before`() throws {
        var world = Self.world("simulate: {failure: crashLoop}", seconds: 8)
        world.read(.work(.log(Self.request(world, previous: true))))
        world.pass(seconds: 1)
        let lines = try Self.logs(world).flatMap(\.lines)
        #expect(lines.first?.contains("INFO starting web") == true)
        #expect(lines.last?.contains("FATAL") == true)
    }

    @Test func `a followed log ends with its container`() throws {
        var world = Self.world()
        world.read(.work(.log(Self.request(world, seconds: 600))))
        world.pass(seconds: 1)
        var stop = ReleaseRequested.web(generation: 2, values: "replicaCount: 1")
        stop.stopped = true
        world.read(.work(.release(stop)))
        world.pass(seconds: 10)
        #expect(try Self.logs(world).last?.reason == "complete")
    }

    @Test func `a log of a boot before is ended by the next one`() throws {
        var world = Self.world()
        world.read(.work(.log(Self.request(world, seconds: 600))))
        world.pass(seconds: 1)
        #expect(world.cluster.follows.count == 1)
        world.restart(boot: "boot-2")
        world.welcome(epoch: 2)
        world.catchUp()
        world.pass(seconds: 3)
        #expect(world.cluster.follows.isEmpty)
    }

    @Test(arguments: [
        (lines: ["abcd", "efgh"], bytes: 10, taken: ["abcd", "efgh"], isTruncated: false, left: 0),
        (lines: ["abcd", "efgh"], bytes: 9, taken: ["abcd", "efg"], isTruncated: true, left: 0),
        (lines: ["abcd", "efgh"], bytes: 6, taken: ["abcd"], isTruncated: true, left: 0),
        (lines: ["äöü"], bytes: 4, taken: ["ä"], isTruncated: true, left: 0),
        (lines: ["", ""], bytes: 9, taken: ["", ""], isTruncated: false, left: 7),
    ])
    func `lines are counted with their ends and cut between characters`(
        lines: [String],
        bytes: Int,
        taken: [String],
        isTruncated: Bool,
        left: Int
    ) {
        let request = LogsRequested(
            command: "log",
            namespace: "n",
            pod: "p",
            container: "c",
            lines: nil,
            follow: false,
            seconds: 0,
            previous: false,
            bytes: bytes
        )
        var stream = LogStream(request, now: 0)
        var rest = lines[...]
        #expect(stream.take(from: &rest) == taken)
        #expect(stream.isTruncated == isTruncated)
        #expect(stream.bytesLeft == left)
    }

    @Test func `a line without an end is cut`() {
        let request = LogsRequested(
            command: "log",
            namespace: "n",
            pod: "p",
            container: "c",
            lines: nil,
            follow: false,
            seconds: 0,
            previous: false,
            bytes: 1_000_000
        )
        var stream = LogStream(request, now: 0)
        var rest = [String(repeating: "x", count: 100_000), "next"][...]
        #expect(stream.take(from: &rest).map(\.utf8.count) == [LogStream.longestLine, 4])
        #expect(stream.isTruncated)
    }

    @Test func `a NUL in a stage's output or an Event is replaced, for nobody reads it otherwise`() throws {
        var world = SessionWorld(isWelcome: true)
        world.take(.stageOutput(.release(.web()), stage: "migrate", output: "a\0b\n"))
        let message = try #require(world.messages.last { $0.topic == "agent.output" })
        #expect(try JSONDecoder().decode(StageOutput.self, from: Data(message.data)).output == "a\u{FFFD}b\n")
        world.take(
            .happened(
                KubernetesEvent(
                    namespace: "shop-staging",
                    kind: "Pod",
                    name: "web-1",
                    instance: nil,
                    type: "Warning",
                    reason: "BackOff",
                    message: "x\0",
                    count: 1,
                    firstTime: "2026-11-25T10:00:00Z",
                    lastTime: "2026-11-25T10:00:00Z",
                    uid: "u"
                )
            )
        )
        let event = try #require(world.messages.last { $0.topic == "agent.output" })
        #expect(try JSONDecoder().decode(KubernetesEvent.self, from: Data(event.data)).message == "x\u{FFFD}")
    }

    @Test(arguments: [(59_999, false), (60_000, false), (60_001, true), (200_000, true)])
    func `of a stage's output the end is sent`(count: Int, isTruncated: Bool) throws {
        var world = SessionWorld(isWelcome: true)
        let text = String(repeating: "é", count: count / 2) + (count % 2 == 0 ? "" : "x")
        let work = ClusterWork.release(.web())
        world.take(.stageOutput(work, stage: "migrate", output: text))
        let message = try #require(world.messages.last { $0.topic == "agent.output" })
        let output = try JSONDecoder().decode(StageOutput.self, from: Data(message.data))
        #expect(message.key == "east/shop-staging/web-1" && message.sequence == 1)
        #expect(output.truncated == isTruncated && output.output.utf8.count <= 60_000)
        #expect(text.hasSuffix(output.output) && output.output.utf8.count >= min(count, 59_998))
    }
}
