import ClusterAgent
import Domain
import Testing

/// Hook Jobs of simulated releases.
struct SimulatedHookTests {
    private func world() -> ClusterWorld {
        var world = ClusterWorld()
        world.makeNamespace()
        return world
    }

    private func stages(_ world: ClusterWorld) -> [ReleaseStage] {
        world.events.compactMap { if case .stage(_, let stage) = $0 { stage } else { nil } }
    }

    private static let hook = "simulate: {hook: {name: migrate, seconds: 4, output: \"one\\ntwo\\n\"}}"

    @Test func `a hook runs before the rollout and tells its progress and output`() throws {
        var world = world()
        world.start(.web(values: Self.hook))
        #expect(world.pass(atMost: 10) { $0.all("Job").first?.status?["active"]?.int == 1 })
        #expect(world.all("Deployment").isEmpty, "the rollout waits for the hook")
        #expect(world.pass(atMost: 20) { $0.end(of: "c-1") != nil })
        #expect(world.end(of: "c-1") == .some(nil))
        let told = stages(world)
        #expect(told.map(\.state) == [.running, .succeeded])
        #expect(told.allSatisfy { $0.name == "migrate" && $0.kind == "pre-install" && $0.startedAt != nil })
        #expect(told.map { $0.endedAt != nil } == [false, true])
        let outputs = world.events.compactMap {
            if case .stageOutput(_, "migrate", let text) = $0 { text } else { nil }
        }
        #expect(outputs == ["one\ntwo\n"])
        let pod = try #require(world.all("Pod").first { $0.id.name.hasPrefix("migrate-") })
        #expect(pod.status?["phase"]?.string == "Succeeded")
        #expect(world.all("Job").first?.status?["succeeded"]?.int == 1)
    }

    @Test func `a hook that fails ends the command, and nothing is rolled out`() {
        var world = world()
        world.start(.web(values: "simulate: {hook: {name: migrate, seconds: 1, fails: true}}"))
        #expect(world.pass(atMost: 20) { $0.end(of: "c-1") != nil })
        #expect(world.end(of: "c-1")??.code == "hook_failed")
        #expect(stages(world).map(\.state) == [.running, .failed])
        #expect(world.all("Deployment").isEmpty)
        #expect(world.cluster.mark(of: .release(namespace: "shop-staging", instance: "web-1")) == nil)
    }

    @Test func `hooks run by weight, before and after, and not when a release is only scaled`() {
        let hooks = "[{name: b, weight: 2}, {name: a, weight: 1}, {name: after, when: post}]"
        var world = world()
        world.start(.web(values: "simulate: {hook: \(hooks)}"))
        #expect(world.pass(atMost: 60) { $0.end(of: "c-1") != nil })
        #expect(stages(world).filter { $0.state == .running }.map(\.name) == ["a", "b", "after"])
        #expect(stages(world).last?.kind == "post-install")
        var scale = ReleaseRequested.web(generation: 2, values: "simulate: {hook: \(hooks)}")
        scale.replicas = ["Deployment/web-1": 2]
        world.start(scale)
        #expect(world.pass(atMost: 20) { $0.end(of: "c-2") != nil })
        #expect(stages(world).count == 6)
        world.start(.web(generation: 3, version: "2.0.0", values: "simulate: {hook: \(hooks)}"))
        #expect(world.pass(atMost: 60) { $0.end(of: "c-3") != nil })
        #expect(stages(world).dropFirst(6).first?.kind == "pre-upgrade")
        #expect(stages(world).count == 12)
    }

    @Test func `hooks run again for a redeployment, and not when that is repaired, or scaled`() {
        var world = world()
        func isDone(_ request: ReleaseRequested) -> Bool {
            world.start(request)
            return world.pass(atMost: 30) { $0.end(of: request.command) == .some(nil) }
        }
        let values = "simulate: {hook: {name: migrate, seconds: 1}}"
        var request = ReleaseRequested.web(values: values)
        request.deployment = "c-1"
        #expect(isDone(request))
        #expect(stages(world).count == 2)
        request = .web(generation: 2, values: values)
        request.deployment = "c-2"
        #expect(isDone(request))
        #expect(stages(world).count == 4 && stages(world).last?.kind == "pre-upgrade")
        request.repair = true
        world.start(request)
        world.pass(seconds: 10)
        request = .web(generation: 3, values: values)
        request.deployment = "c-2"
        request.replicas = ["Deployment/web-1": 2]
        #expect(isDone(request))
        #expect(stages(world).count == 4)
    }

    @Test(arguments: ["simulate: {hook: {seconds: 1}}", "simulate: {hook: {name: a, when: during}}"])
    func `a hook that is not understood is refused`(values: String) {
        var world = world()
        world.start(.web(values: values))
        world.pass(seconds: 5)
        #expect(world.end(of: "c-1")??.code == "render_failed")
    }

    @Test func `a newer generation takes the place of one whose hook still runs`() {
        var world = world()
        world.start(.web(values: "simulate: {hook: {name: migrate, seconds: 600}}"))
        #expect(world.pass(atMost: 10) { !$0.all("Job").isEmpty })
        world.start(.web(generation: 2))
        #expect(world.pass(atMost: 10) { $0.end(of: "c-2") != nil })
        #expect(world.end(of: "c-1")??.code == "superseded_generation")
        #expect(world.end(of: "c-2") == .some(nil))
    }

    @Test func `a namespace that is removed ends what is being done in it`() {
        var world = world()
        world.start(.web(values: "simulate: {hook: {name: migrate, seconds: 600}}"))
        #expect(world.pass(atMost: 10) { !$0.all("Job").isEmpty })
        let removal = NamespaceRemovalRequested(
            command: "x",
            generation: 9,
            environment: "shop/staging",
            namespace: "shop-staging",
            deadline: ""
        )
        #expect(world.finish(.namespaceRemoval(removal)) == .some(nil))
        #expect(world.end(of: "c-1")??.code == "namespace_missing")
        #expect(world.latest.isEmpty && world.cluster.namespaces.isEmpty)
        let mark = world.cluster.mark(of: .namespace("shop-staging"))
        #expect(mark == CommandMark(command: "x", generation: 9))
    }

    @Test func `a removal ends when the last pod is gone, the hooks' too`() {
        var world = world()
        world.start(.web(values: Self.hook))
        #expect(world.pass(atMost: 60) { $0.all("Pod").filter(\.isReady).count == 1 })
        let request = RemovalRequested(
            command: "r",
            generation: 2,
            namespace: "shop-staging",
            instance: "web-1",
            deadline: ""
        )
        world.cluster.start(.removal(request), now: world.now)
        #expect(world.pass(atMost: 10) { $0.all("Pod").contains { $0.deletedAt != nil } }, "pods get time to end")
        #expect(world.pass(atMost: 20) { $0.end(of: "r") != nil })
        #expect(world.latest.isEmpty)
    }
}
