import ClusterAgent
import Domain
import JSON
import Testing

struct SimulatedClusterTests {
    @Test func `a release becomes ready over seconds, as Kubernetes would show it`() throws {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web())
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        let deployment = try #require(world.all("Deployment").first)
        #expect(deployment.id.name == "web-1")
        #expect(deployment.generation == 1)
        #expect(deployment.labels["slipway.io/instance"] == "web-1")
        #expect(deployment.labels["app.kubernetes.io/instance"] == "web-1")
        #expect(deployment.labels["slipway.io/command"] == "c-1")
        #expect(deployment.condition("Available")?["status"]?.string == "True")
        #expect(deployment.condition("Progressing")?["reason"]?.string == "NewReplicaSetAvailable")
        let replicaSet = try #require(world.all("ReplicaSet").first)
        #expect(replicaSet.owner?.uid == deployment.uid)
        let pods = world.pods(generation: 1)
        #expect(pods.count == 2)
        #expect(pods.allSatisfy { $0.isReady && $0.owner?.uid == replicaSet.uid && $0.spec?["nodeName"] != nil })
        #expect(world.all("Service").map(\.id.name) == ["web-1"])
        #expect(world.end(of: "c-1") == .some(nil))
    }

    @Test func `a pod passes through scheduling, pulling and starting before it is ready`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web(values: "replicaCount: 1"))
        _ = world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true }
        let steps = world.events.compactMap { event -> String? in
            guard case .changed(let object) = event, object.id.kind == "Pod" else { return nil }
            let phase = object.status?["phase"]?.string ?? ""
            return phase + (object.waitingReason ?? "") + (object.isReady ? "Ready" : "")
        }
        #expect(steps == ["Pending", "PendingContainerCreating", "Running", "RunningReady"])
    }

    @Test func `an upgrade rolls to a new ReplicaSet and never has too few pods ready`() throws {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web(values: "replicaCount: 4"))
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        world.start(.web(generation: 2, version: "1.1.0", values: "replicaCount: 4"))
        var least = 4
        let isDone = world.pass(atMost: 60) { world in
            least = min(least, world.all("Pod").filter { $0.isReady && $0.deletedAt == nil }.count)
            let deployment = world.all("Deployment").first
            return deployment?.generation == 2 && deployment?.isRolledOut == true && world.pods(generation: 1).isEmpty
        }
        #expect(isDone)
        #expect(least >= 3)
        #expect(world.pods(generation: 2).count == 4)
        let sizes = world.all("ReplicaSet").map { $0.spec?["replicas"]?.int ?? -1 }.sorted()
        #expect(sizes == [0, 4])
        let image = world.pods(generation: 2).first?.spec?["containers"]?.elements.first?["image"]?.string
        #expect(image == "registry.example/web:1.1.0")
    }

    @Test func `old ReplicaSets are kept up to the Deployment's limit`() {
        var world = ClusterWorld()
        world.makeNamespace()
        for generation in 1...14 {
            world.start(
                .web(generation: Int64(generation), version: "1.\(generation).0", values: "replicaCount: 1")
            )
            world.pass(seconds: 8)
        }
        #expect(world.all("ReplicaSet").count == 11)
        #expect(world.all("Pod").count == 1)
    }

    @Test func `an old pod stays when the new image cannot be pulled`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web())
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        world.start(.web(generation: 2, version: "9.9.9", values: "replicaCount: 2\nsimulate: {failure: imagePull}"))
        world.pass(seconds: 30)
        #expect(world.pods(generation: 1).filter(\.isReady).count == 2)
        #expect(world.pods(generation: 2).allSatisfy { !$0.isReady })
        #expect(world.all("Deployment").first?.isRolledOut == false)
    }

    @Test func `an image that cannot be pulled waits in the kubelet's words`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web(values: "simulate:\n  failure: imagePull\n"))
        #expect(world.pass(atMost: 10) { $0.all("Pod").first?.waitingReason == "ErrImagePull" })
        let refused = world.all("Pod").first?.status?["containerStatuses"]?.elements.first
        let message = refused?.path("state", "waiting", "message")?.string ?? ""
        #expect(
            message.hasPrefix(
                "rpc error: code = NotFound desc = failed to pull and unpack image \"registry.example/web:1.0.0\""
            )
        )
        #expect(world.pass(atMost: 10) { $0.all("Pod").first?.waitingReason == "ImagePullBackOff" })
        #expect(world.end(of: "c-1") == .some(nil), "applied is not yet running")
    }

    @Test func `a crash loop counts restarts and backs off`() throws {
        var world = ClusterWorld(failure: .crashLoop)
        world.makeNamespace()
        world.start(.web(values: ""))
        #expect(world.pass(atMost: 20) { $0.all("Pod").first?.waitingReason == "CrashLoopBackOff" })
        let status = try #require(world.all("Pod").first?.status?["containerStatuses"]?.elements.first)
        #expect(status["restartCount"]?.int == 1)
        #expect(status.path("lastState", "terminated", "exitCode")?.int == 1)
        let message = status.path("state", "waiting", "message")?.string ?? ""
        #expect(message.hasPrefix("back-off 10s restarting failed container=web pod=web-1-"))
        #expect(
            world.pass(atMost: 60) {
                ($0.all("Pod").first?.status?["containerStatuses"]?.elements.first?["restartCount"]?.int ?? 0) >= 3
            }
        )
        #expect(
            !world.events.contains {
                if case .changed(let object) = $0 { object.id.kind == "Pod" && object.isReady } else { false }
            }
        )
    }

    @Test func `a release that never gets ready exceeds its progress deadline`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web(values: "progressDeadlineSeconds: 30\nsimulate: {failure: neverReady}"))
        world.pass(seconds: 15)
        let running = world.all("Pod")
        #expect(running.count == 1 && running.allSatisfy { !$0.isReady && $0.status?["phase"]?.string == "Running" })
        #expect(
            world.pass(atMost: 40) {
                $0.all("Deployment").first?.condition("Progressing")?["reason"]?.string == "ProgressDeadlineExceeded"
            }
        )
    }

    @Test(arguments: [
        (SimulatedFailure.unschedulable, "PodScheduled", "Unschedulable"),
        (SimulatedFailure.configError, "Ready", "ContainersNotReady"),
    ])
    func `a pod that cannot be placed or configured says why`(failure: SimulatedFailure, type: String, reason: String) {
        var world = ClusterWorld(failure: failure)
        world.makeNamespace()
        world.start(.web(values: ""))
        world.pass(seconds: 10)
        #expect(world.all("Pod").first?.condition(type)?["reason"]?.string == reason)
        if failure == .configError { #expect(world.all("Pod").first?.waitingReason == "CreateContainerConfigError") }
    }

    @Test(arguments: [
        ("simulate: {failure: applyFails}", "apply_failed"), ("simulate: {failure: imagePul}", "render_failed"),
        ("replicaCount: [", "render_failed"),
    ])
    func `a release that cannot be applied makes nothing and says why`(values: String, code: String) {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web(values: values))
        world.pass(seconds: 5)
        #expect(world.end(of: "c-1")??.code == code)
        #expect(world.latest.isEmpty)
        #expect(world.cluster.mark(of: .release(namespace: "shop-staging", instance: "web-1")) == nil)
    }

    @Test func `a release into a namespace that is not there fails`() {
        var world = ClusterWorld()
        world.start(.web())
        world.pass(seconds: 2)
        #expect(world.end(of: "c-1")??.code == "namespace_missing")
    }

    @Test func `deleting a namespace takes everything in it away`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web())
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        world.cluster.deleteNamespace("shop-staging", now: world.now)
        world.pass(seconds: 5)
        #expect(world.latest.isEmpty)
        #expect(world.cluster.namespaces.isEmpty)
        #expect(world.cluster.mark(of: .release(namespace: "shop-staging", instance: "web-1")) == nil)
    }

    @Test func `the same seed plays the same`() {
        func play() -> [ClusterEvent] {
            var world = ClusterWorld(seed: 42)
            world.makeNamespace()
            world.start(.web())
            world.pass(seconds: 10)
            return world.events
        }
        #expect(play() == play())
    }

    @Test func `resource versions rise with every change and generations only with the specification`() {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web())
        world.pass(seconds: 10)
        var newest = 0
        for case .changed(let object) in world.events {
            let version = Int(object.resourceVersion) ?? 0
            #expect(version > newest)
            newest = version
        }
        #expect(world.all("Deployment").first?.generation == 1)
    }

    @Test func `reported objects are JSON without environment variables`() throws {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web())
        world.pass(seconds: 10)
        let parser = JSONParser()
        for object in world.latest.values {
            try parser.validate(object.json)
            try parser.withDocument(object.json) { root in
                #expect(root["kind"]?.string == object.id.kind)
                #expect(root.path("metadata", "uid")?.string == object.uid)
            }
        }
    }
}
