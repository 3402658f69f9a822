import Domain
import Testing

@testable import ClusterAgent

/// What an agent that runs for months remembers of what is over.
@Suite struct AgentMemoryTests {
    private func world() -> SessionWorld {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.read(.work(.release(.web())))
        world.pass(seconds: 5)
        return world
    }

    @Test func `what was said to be done long ago is forgotten, unless something was lost`() {
        let world = world()
        #expect(world.session.successes.count == 2)
        var lossy = world
        lossy.session.repeatHello(now: lossy.now)
        for isLossy in [false, true] {
            var later = isLossy ? lossy : world
            later.now += 3_700_000_000
            later.pass(seconds: 1)
            #expect(later.session.successes.count == (isLossy ? 2 : 0))
        }
    }

    @Test func `a namespace that was removed leaves no numbers behind`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 5)
        for (namespace, instance) in [("shop-staging", "web"), ("shop-staging", nil), ("shop-staging-2", "web")] {
            world.take(.happened(.of(instance, in: namespace)))
        }
        #expect(world.session.outputSequences.count == 3)
        let removal = NamespaceRemovalRequested(
            command: "r",
            generation: 2,
            environment: "shop/staging",
            namespace: "shop-staging",
            deadline: ""
        )
        world.read(.work(.namespaceRemoval(removal)))
        world.pass(seconds: 60)
        #expect(world.statements("applied").last?.text("command") == "r")
        #expect(world.session.outputSequences.keys.sorted() == ["east/shop-staging-2/web"])
    }

    @Test func `of what was withdrawn only the newest is remembered`() {
        var world = SessionWorld(isWelcome: true)
        for number in 0...AgentSession.mostRemembered {
            world.now += 1
            world.read(
                .withdrawn(Withdrawn(command: "c", generation: 1, namespace: "shop-staging", instance: "i\(number)"))
            )
        }
        #expect(world.session.withdrawn.count <= AgentSession.mostRemembered / 2 + 1)
        let newest = CommandSubject.release(
            namespace: "shop-staging",
            instance: "i\(AgentSession.mostRemembered)"
        )
        #expect(world.session.withdrawn[newest]?.generation == 1)
    }
}

extension KubernetesEvent {
    fileprivate static func of(_ instance: String?, in namespace: String) -> KubernetesEvent {
        KubernetesEvent(
            namespace: namespace,
            kind: "Pod",
            name: "web-1",
            instance: instance,
            type: "Normal",
            reason: "Pulled",
            message: "Pulled the image",
            count: 1,
            firstTime: "2026-11-23T08:00:00Z",
            lastTime: "2026-11-23T08:00:00Z",
            uid: "e-1"
        )
    }
}
