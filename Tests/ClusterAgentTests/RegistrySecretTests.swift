import Domain
import Foundation
import Kubernetes
import Logging
import Sealing
import TestSupport
import Testing

@testable import ClusterAgent

/// The secrets that releases pull images with, while others come and go.
@Suite(.timeLimit(.minutes(1)))
struct RegistrySecretTests {
    private static let secret = "\(ObjectServer.shop)/secrets/web-registry"
    let helm: HelmDouble

    init() throws { helm = try HelmDouble() }

    private static func release(_ instance: String) -> ClusterWork {
        var request = ReleaseRequested.web(command: "c-\(instance)", instance: instance)
        request.namespace = "shop"
        request.registrySecrets = [RegistrySecret(name: "web-registry", sealed: "sealed:v1:a:b")]
        return .release(request)
    }

    private static func removal(_ instance: String) -> ClusterWork {
        .removal(
            RemovalRequested(
                command: "r-\(instance)",
                generation: 2,
                namespace: "shop",
                instance: instance,
                deadline: ""
            )
        )
    }

    /// A secret of that name that somebody asked for.
    private static let own = ObjectValue.named("web-registry", kind: "Secret").merging([
        "metadata": [
            "name": "web-registry", "uid": "own", "resourceVersion": "1",
            "annotations": ["slipway.io/object": "secret.web-registry"],
        ]
    ])

    /// An agent of the server, for as long as the body takes.
    private func connected(to server: ObjectServer, _ program: HelmProgram, _ body: (Agent) async throws -> Void)
        async throws
    {
        let client = KubernetesClient(KubernetesConfiguration(server: server.double.address, credential: .none))
        let cluster = try await KubernetesCluster.connect(
            client,
            cluster: "east",
            home: "slipway",
            helm: program,
            logger: Logger(label: "test")
        )
        try await body(Agent(cluster: cluster))
        cluster.close()
        await client.close()
    }

    private struct Agent {
        let cluster: KubernetesCluster

        func start(_ work: ClusterWork) {
            var secrets = OpenedSecrets()
            secrets[.registry("web-registry")] = SecretBytes(utf8: #"{"auths":{}}"#)
            cluster.start(work, secrets: secrets, now: 0)
        }

        func end(of work: ClusterWork) async -> WorkFailure? {
            while true {
                for case .finished(let ended, let failure) in cluster.poll(now: 0) where ended.mark == work.mark {
                    return failure
                }
                await Task.yield()
            }
        }

        func finish(_ work: ClusterWork) async -> WorkFailure? {
            start(work)
            return await end(of: work)
        }
    }

    @Test func `a removal leaves the secret that another release is just being deployed with`() async throws {
        let (hold, began, go) = (helm.file("hold"), helm.file("began"), helm.file("go"))
        let wait = "[ -e \(hold) ] && { touch \(began); while [ ! -e \(go) ]; do sleep 0.05; done; }; exit 0"
        let server = try await ObjectServer()
        try await connected(to: server, helm.program(upgrade: wait)) { agent in
            #expect(await agent.finish(Self.release("web-1")) == nil)
            _ = FileManager.default.createFile(atPath: hold, contents: nil)
            agent.start(Self.release("web-2"))
            while !FileManager.default.fileExists(atPath: began) { await Task.yield() }
            #expect(await agent.finish(Self.removal("web-1")) == nil)
            #expect(server.object(Self.secret) != nil, "it is needed")
            _ = FileManager.default.createFile(atPath: go, contents: nil)
            #expect(await agent.end(of: Self.release("web-2")) == nil)
            #expect(await agent.finish(Self.removal("web-2")) == nil)
            #expect(server.object(Self.secret) == nil, "nobody needs it any more")
        }
        let deletions = server.double.asked.filter { $0.method == "DELETE" && $0.path == Self.secret }
        #expect(deletions.count == 1)
        let options = try ObjectValue(answer: try #require(deletions.first).body)
        #expect(options.path("preconditions", "resourceVersion") == "2")
    }

    @Test func `a release does not take over a secret that somebody asked for`() async throws {
        let server = try await ObjectServer([Self.secret: Self.own])
        try await connected(to: server, helm.program()) { agent in
            let failure = await agent.finish(Self.release("web-1"))
            #expect(failure?.code == "name_taken")
            #expect(failure?.message.contains("belongs to the secret 'web-registry', so the registry of") == true)
        }
        #expect(server.object(Self.secret) == Self.own)
        #expect((try? helm.calls()) == nil, "helm has done nothing")
    }

    @Test func `what has become another's meanwhile stays when the release goes`() async throws {
        let server = try await ObjectServer()
        try await connected(to: server, helm.program()) { agent in
            #expect(await agent.finish(Self.release("web-1")) == nil)
            let work = ClusterWork.objects(.of("secret", "web-registry", [.named("web-registry", kind: "Secret")]))
            #expect(await agent.finish(work) == nil)
            #expect(await agent.finish(Self.removal("web-1")) == nil)
        }
        #expect(server.object(Self.secret)?.path("metadata", "annotations", "slipway.io/object") != nil)
    }

    @Test func `a simulated cluster keeps secrets apart as well, and those that are needed`() {
        var world = ClusterWorld()
        world.makeNamespace("shop")
        var secrets = OpenedSecrets()
        secrets[.registry("web-registry")] = SecretBytes(utf8: #"{"auths":{}}"#)
        let secret = ClusterWork.objects(.of("secret", "web-registry", [.named("web-registry", kind: "Secret")]))
        #expect(world.finish(secret) == .some(nil))
        #expect(world.finish(Self.release("web-1"), secrets: secrets)??.code == "name_taken")
        #expect(world.all("Secret").first?.annotations["slipway.io/object"] == "secret.web-registry")
    }
}
