import Domain
import Foundation
import TestSupport
import Testing

@testable import ClusterAgent

/// What an agent does of commands that a fleet tells again under new numbers, because its database was put back.
struct RenumberedCommandTests {
    private static let jump: Int64 = 1 << 32

    /// A world in which a release was done, and then another one.
    private func makeWorld() -> SessionWorld {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        for generation in 1...2 {
            world.read(.work(.release(.web(generation: Int64(generation), version: "\(generation).0.0"))))
            world.pass(seconds: 120)
        }
        return world
    }

    private func deployment(_ world: SessionWorld) -> ClusterObject? {
        world.cluster.objects(in: "shop-staging", kind: WatchedKind("apps/v1", "Deployment")).first
    }

    @Test func `what the same command has made is not done again, and gets its new number`() throws {
        var world = makeWorld()
        let before = try #require(deployment(world))
        world.read(.work(.release(.web(generation: Self.jump + 1, command: "c-2", version: "2.0.0"))))
        world.pass(seconds: 30)
        let applied = try #require(world.statements("applied").last)
        #expect(applied.text("command") == "c-2")
        #expect(applied.number("generation") == Self.jump + 1)
        #expect(deployment(world) == before)
        let subject = CommandSubject.release(namespace: "shop-staging", instance: "web-1")
        #expect(world.cluster.mark(of: subject) == CommandMark(command: "c-2", generation: Self.jump + 1))
    }

    @Test func `what was done before the newest command is not done again`() throws {
        var world = makeWorld()
        let before = try #require(deployment(world))
        world.read(.work(.release(.web(generation: Self.jump + 1, command: "c-1", version: "1.0.0"))))
        world.pass(seconds: 30)
        let failed = try #require(world.statements("failed").last)
        #expect(failed.text("command") == "c-1")
        #expect(failed.text("code") == "superseded_generation")
        #expect(deployment(world) == before)
        world.read(.work(.release(.web(generation: Self.jump + 2, command: "c-3", version: "3.0.0"))))
        world.pass(seconds: 30)
        #expect(deployment(world) != before, "what is new is done")
    }

    @Test func `what is wanted behind a command that was not done before is done once more`() throws {
        var world = makeWorld()
        // It was overtaken when it was asked for first, and now it is read alone.
        world.read(.work(.release(.web(generation: Self.jump + 2, command: "overtaken", version: "1.5.0"))))
        world.pass(seconds: 120)
        let between = try #require(deployment(world))
        world.read(.work(.release(.web(generation: Self.jump + 3, command: "c-2", version: "2.0.0"))))
        world.pass(seconds: 120)
        #expect(world.statements("failed").isEmpty)
        #expect(world.statements("applied").last?.text("command") == "c-2")
        #expect(deployment(world) != between, "the cluster is as the fleet wants it at last")
    }

    @Test func `what is under way goes on under its new number, whatever was done before it comes again`() throws {
        var world = makeWorld()
        world.read(.work(.release(.web(generation: 3, version: "3.0.0"))))
        // The one before it is told first.
        world.read(.work(.release(.web(generation: Self.jump + 2, command: "c-2", version: "2.0.0"))), epoch: Self.jump)
        world.read(.work(.release(.web(generation: Self.jump + 3, command: "c-3", version: "3.0.0"))), epoch: Self.jump)
        #expect(world.givenUp.isEmpty)
        world.welcome(epoch: Self.jump, open: ["c-2", "c-3"])
        let acknowledged = try #require(world.statements("acknowledged").last)
        #expect(acknowledged.text("command") == "c-3", "its time runs while the former number is done")
        #expect(acknowledged.number("generation") == Self.jump + 3)
        world.take(.waiting(.release(.web(generation: 3, version: "3.0.0"))))
        #expect(world.statements("acknowledged").suffix(2).map { $0.number("generation") } == [3, Self.jump + 3])
        world.pass(seconds: 120)
        let applied = try #require(world.statements("applied").last)
        #expect(applied.text("command") == "c-3")
        #expect(applied.number("generation") == Self.jump + 3)
        #expect(world.statements("failed").isEmpty)
        // A command that is new has what waits given up.
        world.read(.work(.release(.web(generation: Self.jump + 4, command: "c-4", version: "4.0.0"))))
        world.read(.work(.release(.web(generation: Self.jump + 5, command: "c-5", version: "5.0.0"))))
        #expect(world.givenUp.map(\.command) == ["c-4"])
    }

    @Test func `commands of a later epoch wait for its welcome, which says what is still wanted`() {
        var world = makeWorld()
        let begun = world.started.count
        world.read(.work(.release(.web(generation: Self.jump + 3))), epoch: Self.jump + 1)
        world.read(.work(.release(.web(generation: Self.jump + 4, instance: "web-2"))), epoch: Self.jump + 1)
        world.pass(seconds: 5)
        #expect(world.started.count == begun)
        world.welcome(epoch: Self.jump + 1, open: ["c-\(Self.jump + 4)"])
        #expect(world.started.dropFirst(begun).map(\.mark.generation) == [Self.jump + 4])
        #expect(world.done.count == world.read - 1, "the other one has ended meanwhile")
    }

    @Test func `what was read together is acted upon together`() {
        var world = makeWorld()
        let begun = world.started.count
        world.read(.work(.release(.web(generation: 3))), acts: false)
        #expect(world.started.count == begun)
        world.read(.withdrawn(Withdrawn(command: "c-3", generation: 3, namespace: "shop-staging", instance: "web-1")))
        world.pass(seconds: 5)
        #expect(world.started.count == begun)
        #expect(world.done.count == world.read)
    }

    @Test func `a mark remembers the newest commands before it`() throws {
        var record = MarkRecord(.release(.web(generation: 1)), namespaceUID: "u")
        record.follow(nil)
        #expect(record.former == nil)
        for generation in 2...60 {
            var next = MarkRecord(.release(.web(generation: Int64(generation))), namespaceUID: "u")
            next.follow(record)
            record = next
        }
        #expect(record.former == (10...59).map { "c-\($0)" })
        var renumbered = MarkRecord(.release(.web(generation: Self.jump, command: "c-60")), namespaceUID: "u")
        renumbered.follow(record)
        #expect(renumbered.former == record.former)
    }
}

extension ReleaseWorkTests {
    @Test func `helm is not run for what the same command has made under another number`() async throws {
        var record = MarkRecord(.release(.web(generation: 1, command: "c-1")), namespaceUID: "uid-shop-staging")
        record.template = MarkRecord.Template(command: "c-1", generation: 1, content: "a", form: "b", isStopped: false)
        let mark = String(decoding: try record.manifest(cluster: "east", home: "slipway").json, as: UTF8.self)
        let server = try await Self.server(answering: { request in
            request.path == "\(Self.place)/slipway/configmaps" ? (200, Self.list([mark])) : nil
        })
        let work = ClusterWork.release(.web(generation: 1 << 32, command: "c-1"))
        let end = try await end(work, on: server, try helm.program())
        #expect(end.failure == nil)
        #expect(throws: (any Error).self, "helm was never called") { try helm.calls() }
        let kept = server.asked.last { $0.method == "PATCH" && $0.path.contains("/slipway/configmaps/") }
        #expect(kept?.path.hasSuffix(record.configMap) == true)
    }
}
