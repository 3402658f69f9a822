import ClusterAgent
import Domain
import Sealing
import Testing

/// What a cluster does beside installing releases.
struct SimulatedOperationTests {
    private func world() -> ClusterWorld {
        var world = ClusterWorld()
        world.makeNamespace()
        return world
    }

    private func running() -> ClusterWorld {
        var world = world()
        world.start(.web())
        #expect(world.pass(atMost: 20) { $0.all("Pod").filter(\.isReady).count == 2 })
        return world
    }

    private func removal(_ generation: Int64) -> ClusterWork {
        .removal(
            RemovalRequested(
                command: "r-\(generation)",
                generation: generation,
                namespace: "shop-staging",
                instance: "web-1",
                deadline: ""
            )
        )
    }

    private func objects(
        _ kind: String,
        generation: Int64 = 1,
        _ manifests: [ObjectValue] = [],
        secrets: [SealedSecret]? = nil,
        removed: [ObjectReference]? = nil,
        podMark: PodMark? = nil,
        renew: Bool? = nil
    ) -> ClusterWork {
        var request = ObjectsRequested(
            command: "o-\(kind)-\(generation)",
            generation: generation,
            namespace: "shop-staging",
            subject: ObjectSubject(kind: kind, name: "front"),
            objects: manifests,
            secrets: secrets,
            removed: removed,
            podMark: podMark,
            deadline: ""
        )
        request.renew = renew
        return .objects(request)
    }

    @Test func `a stopped release has no pods, and has them again when it is started`() {
        var world = running()
        var stop = ReleaseRequested.web(generation: 2)
        stop.stopped = true
        world.start(stop)
        #expect(world.pass(atMost: 60) { $0.all("Pod").isEmpty })
        #expect(world.all("Deployment").first?.spec?["replicas"]?.int == 0)
        world.start(.web(generation: 3))
        #expect(world.pass(atMost: 60) { $0.pods(generation: 3).filter(\.isReady).count == 2 })
    }

    @Test func `replicas that were asked for win over the chart's, and stopping wins over both`() {
        var world = running()
        let before = Set(world.all("Pod").map(\.uid))
        var scale = ReleaseRequested.web(generation: 2)
        scale.replicas = ["Deployment/web-1": 3]
        world.start(scale)
        #expect(world.pass(atMost: 60) { $0.all("Pod").filter(\.isReady).count == 3 })
        #expect(before.isSubset(of: world.all("Pod").map(\.uid)), "pods that are only scaled go on")
        #expect(world.all("Deployment").first?.labels["slipway.io/generation"] == "2")
        scale.generation = 3
        scale.command = "c-3"
        scale.stopped = true
        world.start(scale)
        #expect(world.pass(atMost: 60) { $0.all("Pod").isEmpty })
    }

    @Test func `a restart puts its nonce on the pods' template, which rolls them`() {
        var world = running()
        let before = Set(world.all("Pod").map(\.uid))
        var restart = ReleaseRequested.web(generation: 2)
        restart.restart = "nonce-1"
        world.start(restart)
        #expect(
            world.pass(atMost: 60) {
                let pods = $0.all("Pod")
                return pods.count == 2 && pods.allSatisfy { $0.isReady && !before.contains($0.uid) }
            }
        )
        let template = world.all("Deployment").first?.spec?["template"]
        #expect(template?.path("metadata", "annotations", "slipway.io/restart")?.string == "nonce-1")
    }

    @Test func `pods carry the application, by which networks find them`() {
        let world = running()
        #expect(world.all("Pod").allSatisfy { $0.labels["slipway.io/application"] == "web" })
    }

    @Test func `a removal takes everything, twice is once, and its mark outlives the release`() {
        var world = running()
        #expect(world.finish(removal(2)) == .some(nil))
        #expect(world.latest.isEmpty)
        #expect(world.finish(removal(2)) == .some(nil))
        let subject = CommandSubject.release(namespace: "shop-staging", instance: "web-1")
        #expect(world.cluster.mark(of: subject) == CommandMark(command: "r-2", generation: 2))
        #expect(world.cluster.objects(of: subject).isEmpty)
    }

    @Test func `an older installation that comes after the removal is not done`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 2)
        world.read(.work(removal(5)))
        world.pass(seconds: 2)
        world.read(.work(.release(.web(generation: 4))))
        world.pass(seconds: 2)
        #expect(world.started.count == 2)
        #expect(world.statements("failed").map { $0.text("code") } == ["superseded_generation"])
    }

    @Test func `a network's objects are applied, marked, replaced and removed`() {
        var world = world()
        let service: ObjectValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "front"],
            "spec": ["type": "LoadBalancer", "ports": [["port": 80]]],
        ]
        #expect(world.finish(objects("network", [service])) == .some(nil))
        world.pass(seconds: 10)
        let made = world.all("Service").first
        #expect(made?.annotations["slipway.io/object"] == "network.front")
        #expect(made?.labels["slipway.io/generation"] == "1")
        #expect(made?.status?.path("loadBalancer", "ingress")?.elements.isEmpty == false)
        let removal = objects(
            "network",
            generation: 2,
            removed: [ObjectReference(apiVersion: "v1", kind: "Service", name: "front")]
        )
        #expect(world.finish(removal) == .some(nil))
        #expect(world.all("Service").isEmpty)
    }

    @Test func `a network of several instances marks their pods, also later ones, and unmarks them`() {
        var world = running()
        let mark = PodMark(label: "network.slipway.io/front", instances: ["web-1"])
        let service: ObjectValue = ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "front"], "spec": [:]]
        _ = world.finish(objects("network", [service], podMark: mark))
        #expect(world.all("Pod").allSatisfy { $0.labels[mark.label] == "true" })
        world.start(.web(generation: 2, version: "2.0.0"))
        #expect(world.pass(atMost: 60) { $0.pods(generation: 2).filter(\.isReady).count == 2 })
        #expect(world.pods(generation: 2).allSatisfy { $0.labels[mark.label] == "true" })
        _ = world.finish(objects("network", generation: 2, [service]))
        #expect(world.all("Pod").allSatisfy { $0.labels[mark.label] == nil })
    }

    @Test(arguments: [("shop.example", "True"), ("fail.example", "False")])
    func `a certificate is issued after some seconds, or is not`(name: String, ready: String) {
        var world = world()
        let certificate: ObjectValue = [
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": ["name": "front"],
            "spec": ["secretName": "front-tls", "dnsNames": [.string(name)]],
        ]
        #expect(world.finish(objects("certificate", [certificate])) == .some(nil))
        #expect(world.all("Certificate").first?.condition("Issuing")?["status"]?.string == "True")
        #expect(
            world.pass(atMost: 30) { $0.all("Certificate").first?.condition("Issuing")?["status"]?.string != "True" }
        )
        let made = world.all("Certificate").first
        #expect(made?.condition("Ready")?["status"]?.string == ready)
        #expect((made?.status?["notAfter"] != nil) == (ready == "True"))
        #expect(world.all("Secret").map(\.id.name) == (ready == "True" ? ["front-tls"] : []))
    }

    @Test func `a certificate is issued anew where another one or a renewal is asked for, not when applied again`() {
        var world = world()
        func certificate(_ name: String) -> ObjectValue {
            [
                "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": ["name": "front"],
                "spec": ["secretName": "front-tls", "dnsNames": [.string(name)]],
            ]
        }
        var generation: Int64 = 0
        func apply(_ name: String, renew: Bool? = nil) -> ObjectValue? {
            generation += 1
            _ = world.finish(objects("certificate", generation: generation, [certificate(name)], renew: renew))
            world.pass(seconds: 30)
            return world.all("Certificate").first?.status
        }
        let first = apply("a.example")
        #expect(first?["revision"]?.int == 1)
        #expect(apply("a.example") == first)
        let renewed = apply("a.example", renew: true)
        #expect(renewed?["revision"]?.int == 2 && renewed?["notBefore"] != first?["notBefore"])
        #expect(apply("b.example")?["revision"]?.int == 3)
        #expect(apply("fail.example")?["lastFailureTime"] != nil)
    }

    @Test func `of a secret only its type and the names of its keys are told`() throws {
        var world = world()
        let key = try FleetKey(base64: FleetKey.random()).clusterKey("east", keyID: 1)
        let sealed = try key.sealingKeys(of: "east").publicKey.seal(
            SecretBytes(utf8: "hunter2"),
            for: Binding("east", "shop-staging", "secret", "front", "password")
        )
        let work = objects(
            "secret",
            secrets: [SealedSecret(name: "front", type: "Opaque", values: ["password": sealed.text])]
        )
        let secrets = try SecretOpener(cluster: "east", key: key).open(work)
        #expect(secrets[.secret("front", key: "password")]?.text() == "hunter2")
        #expect(world.finish(work, secrets: secrets) == .some(nil))
        let made = try #require(world.all("Secret").first)
        #expect(made.content?["keys"]?.elements.compactMap(\.string) == ["password"])
        #expect(!String(describing: made).contains("hunter2"))
        #expect(!String(describing: secrets).contains("hunter2"))
    }

    @Test func `what is sealed for another cluster does not open, and the failure names the field alone`() throws {
        let key = try FleetKey(base64: FleetKey.random()).clusterKey("east", keyID: 1)
        let sealed = try key.sealingKeys(of: "west").publicKey.seal(
            SecretBytes(utf8: "hunter2"),
            for: Binding("west", "shop-staging", "secret", "front", "password")
        )
        let work = objects(
            "secret",
            secrets: [SealedSecret(name: "front", type: "Opaque", values: ["password": sealed.text])]
        )
        #expect {
            try SecretOpener(cluster: "east", key: key).open(work)
        } throws: { error in
            let failure = error as? WorkFailure
            return failure?.code == "cannot_open" && failure?.message.contains("secrets.front.password") == true
                && failure?.message.contains("hunter2") == false
        }
    }

    @Test func `a namespace goes with everything in it, and its last snapshot is empty`() {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 2)
        world.read(.work(.release(.web())))
        world.pass(seconds: 10)
        world.messages = []
        let removal = NamespaceRemovalRequested(
            command: "x",
            generation: 9,
            environment: "shop/staging",
            namespace: "shop-staging",
            deadline: ""
        )
        world.read(.work(.namespaceRemoval(removal)))
        world.pass(seconds: 5)
        #expect(world.cluster.namespaces.isEmpty)
        #expect(world.statements("applied").count == 1)
        let ends = world.messages.filter { $0.type == "slipway.resource.snapshot_ended.v1" }.map(SessionWorld.Body.init)
        #expect(!ends.isEmpty && ends.allSatisfy { $0.number("count") == 0 })
        world.read(.work(.release(.web(generation: 10))))
        world.pass(seconds: 3)
        #expect(world.statements("failed").map { $0.text("code") } == ["namespace_missing"])
    }

    @Test func `a log is told by its newest lines, and one that is not there is said to be unknown`() throws {
        var world = SessionWorld(isWelcome: true)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 2)
        world.read(.work(.release(.web())))
        world.pass(seconds: 15)
        let pod = try #require(world.cluster.objects(in: "shop-staging", kind: WatchedKind("v1", "Pod")).first)
        func request(_ container: String) -> ClusterWork {
            .log(
                LogsRequested(
                    command: "log-\(container)",
                    namespace: "shop-staging",
                    pod: pod.id.name,
                    container: container,
                    lines: 2,
                    follow: false,
                    seconds: 10,
                    previous: false,
                    bytes: 10_000
                )
            )
        }
        world.read(.work(request("web")))
        world.read(.work(request("nobody")))
        world.pass(seconds: 3)
        let logs = world.messages.filter { $0.topic == "container.logs" }
        #expect(logs.map(\.sequence) == [1, 2])
        #expect(logs.first?.key == "east/shop-staging/\(pod.id.name)/web")
        #expect(world.statements("failed").map { $0.text("code") } == ["unknown_container"])
    }
}
