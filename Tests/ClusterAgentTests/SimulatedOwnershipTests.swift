import ClusterAgent
import Domain
import Testing

/// A simulated cluster refuses what a real one and its agent would refuse.
struct SimulatedOwnershipTests {
    private func work(_ objects: [ObjectValue], removed: [ObjectReference] = [], generation: Int64 = 1) -> ClusterWork {
        .objects(
            ObjectsRequested(
                command: "o-\(generation)",
                generation: generation,
                namespace: "shop-staging",
                subject: ObjectSubject(kind: "network", name: "web-1"),
                objects: objects,
                removed: removed,
                deadline: ""
            )
        )
    }

    @Test func `a network neither takes nor removes the Service of a release`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web())
        world.pass(seconds: 5)
        let service: ObjectValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web-1"], "spec": ["ports": [["port": 80]]],
        ]
        let failure = world.finish(work([service])) ?? nil
        #expect(failure?.code == "name_taken")
        let reference = ObjectReference(apiVersion: "v1", kind: "Service", name: "web-1")
        #expect(world.finish(work([], removed: [reference], generation: 2)) == .some(nil))
        #expect(world.all("Service").map(\.instance) == ["web-1"])
    }

    @Test func `a label that no cluster takes is refused`() {
        var world = ClusterWorld()
        world.makeNamespace()
        let labels: ObjectValue = ["app": .string(String(repeating: "a", count: 64))]
        let failure = world.finish(
            work([["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "web-1", "labels": labels]]])
        )
        #expect((failure ?? nil)?.code == "apply_failed")
    }
}
