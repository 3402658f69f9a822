import Domain
import Foundation
import Testing

@testable import ClusterAgent

/// A simulated cluster that outlives its agent: what is there, what goes on by itself, and what is noted of effects.
struct KeptClusterTests {
    private let path = NSTemporaryDirectory() + "slipway-kept-\(UUID().uuidString).jsonl"

    /// The cluster as a process has it that starts now.
    private func open(seed: UInt64 = 7, at now: Int64? = nil) throws -> ClusterWorld {
        var world = ClusterWorld(seed: seed, file: try ClusterFile(path))
        if let now { world.now = now }
        return world
    }

    private func entries() throws -> [ClusterEntry] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            try JSONDecoder().decode(ClusterEntry.self, from: Data(line.utf8))
        }
    }

    private func effects(of command: String) throws -> Int {
        try entries().flatMap(\.effects).count { $0.command == command }
    }

    private static func isRolledOut(_ world: ClusterWorld) -> Bool {
        world.cluster.objects.values.contains { $0.id.kind == "Deployment" && $0.isRolledOut }
    }

    private static func shown(_ world: ClusterWorld) -> [String] {
        world.cluster.objects.values.sorted { $0.id < $1.id }.map { String(decoding: $0.json, as: UTF8.self) }
    }

    @Test func `a process that comes later finds the cluster as it was left`() throws {
        var world = try open()
        world.makeNamespace()
        #expect(world.finish(.release(.web())) == .some(nil))
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        world.pass(seconds: 2)
        let (before, now) = (Self.shown(world), world.now)
        world = try open(seed: 8, at: now)
        #expect(Self.shown(world) == before)
        #expect(world.cluster.namespaces == ["shop-staging"])
        let subject = CommandSubject.release(namespace: "shop-staging", instance: "web-1")
        #expect(world.cluster.mark(of: subject) == CommandMark(command: "c-1", generation: 1))
        world.pass(seconds: 10)
        #expect(Self.shown(world) == before, "nothing happens to what is at rest")
    }

    @Test(arguments: [0.5, 1.2, 2.0, 3.0])
    func `a rollout goes on for the process that comes later`(after seconds: Double) throws {
        var world = try open()
        world.makeNamespace()
        world.start(.web())
        world.pass(seconds: seconds)
        world = try open(seed: 8, at: world.now + 5_000_000)
        // What was not begun, as the mark says, is done again.
        world.start(.web())
        #expect(world.pass(atMost: 20) { Self.isRolledOut($0) && $0.end(of: "c-1") != nil })
        #expect(world.cluster.objects.values.count { $0.id.kind == "Pod" && $0.deletedAt == nil } == 2)
        #expect(try effects(of: "c-1") == 1)
    }

    @Test func `what is done again where the mark was lost changes nothing`() throws {
        var world = try open()
        world.makeNamespace()
        var request = ReleaseRequested.web(values: "simulate: {hook: {name: migrate, seconds: 1}}")
        request.deployment = request.command
        world.start(request)
        #expect(world.pass(atMost: 10) { $0.all("Deployment").count == 1 })
        #expect(world.end(of: "c-1") == nil, "the agent is lost before it notes what it did")
        world = try open(seed: 8, at: world.now)
        let subject = CommandSubject.release(namespace: "shop-staging", instance: "web-1")
        #expect(world.cluster.mark(of: subject) == nil)
        #expect(world.finish(.release(request)) == .some(nil))
        #expect(!world.events.contains { if case .stage = $0 { true } else { false } }, "hooks do not run again")
        #expect(try effects(of: "c-1") == 1)
        #expect(try entries().flatMap(\.marks).count { $0.command == "c-1" } == 1)
    }

    @Test func `a command that changes something else is an effect of its own, and so is an older one`() throws {
        var world = try open()
        world.makeNamespace()
        for generation: Int64 in [1, 3, 2] {
            #expect(world.finish(.release(.web(generation: generation))) == .some(nil))
        }
        #expect(try entries().flatMap(\.effects).map(\.generation) == [1, 1, 3, 2])
        #expect(try entries().flatMap(\.effects).map(\.subject).last == "release.web-1")
    }

    @Test func `a removal that was cut off is one effect, and ends`() throws {
        var world = try open()
        world.makeNamespace()
        #expect(world.finish(.release(.web())) == .some(nil))
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        let removal = RemovalRequested(
            command: "c-2",
            generation: 2,
            namespace: "shop-staging",
            instance: "web-1",
            deadline: ""
        )
        world.cluster.start(.removal(removal), now: world.now)
        #expect(world.pass(atMost: 5) { $0.all("Deployment").isEmpty })
        world = try open(seed: 8, at: world.now)
        #expect(world.finish(.removal(removal)) == .some(nil))
        #expect(Self.shown(world) == [])
        #expect(try effects(of: "c-2") == 1)
    }

    @Test func `a cluster that forgets what was done shows it`() throws {
        let file = try ClusterFile(path)
        var world = ClusterWorld()
        world.cluster = SimulatedCluster(name: "east", file: file, doesAgain: true)
        world.makeNamespace()
        for _ in 1...2 {
            world.events = []
            #expect(world.finish(.release(.web())) == .some(nil))
        }
        #expect(try effects(of: "c-1") == 2)
    }

    @Test func `two processes have the same cluster, and one of them plays what happens by itself`() throws {
        var first = try open()
        var second = try open(seed: 8)
        first.makeNamespace()
        second.start(.web())
        for _ in 1...400 {
            first.pass(seconds: 0.05)
            second.pass(seconds: 0.05)
        }
        #expect(second.end(of: "c-1") == .some(nil))
        #expect(first.all("Deployment").first?.isRolledOut == true, "the other one is told of it too")
        #expect(second.all("Deployment").first?.isRolledOut == true)
        #expect(Self.shown(first) == Self.shown(second))
        #expect(first.all("Pod").count == 2)
        // The one that played it goes; the other one takes over.
        first = ClusterWorld()
        second.start(.web(generation: 2, version: "1.1.0"))
        #expect(second.pass(atMost: 30) { $0.pods(generation: 2).count == 2 && $0.pods(generation: 1).isEmpty })
    }

    @Test func `what was half written when its process was killed has not happened`() throws {
        var world = try open()
        world.makeNamespace()
        let now = world.now
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"at":1,"effects":[{"command":"c-"#.utf8))
        try handle.close()
        world = try open(seed: 8, at: now)
        #expect(world.cluster.namespaces == ["shop-staging"])
        #expect(world.finish(.release(.web())) == .some(nil))
        #expect(try effects(of: "c-1") == 1)
    }

    @Test func `somebody may delete pods, and others come in their place`() throws {
        var world = try open()
        world.makeNamespace()
        #expect(world.finish(.release(.web())) == .some(nil))
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        let before = Set(world.all("Pod").map(\.uid))
        #expect(world.cluster.deletePods(atMost: 1, now: world.now) == 1)
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == false })
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true && $0.all("Pod").count == 2 })
        #expect(Set(world.all("Pod").map(\.uid)).subtracting(before).count == 1)
    }
}
