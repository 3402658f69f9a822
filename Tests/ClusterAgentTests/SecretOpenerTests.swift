import ClusterAgent
import Domain
import Sealing
import Testing

/// What the fleet seals for a cluster, its agent opens from its own key alone.
struct SecretOpenerTests {
    private let fleet: FleetKey
    private let key: SigningKey

    init() throws {
        fleet = try FleetKey(base64: FleetKey.random())
        key = fleet.clusterKey("east", keyID: 1)
    }

    private func seal(_ text: String, for binding: Binding, cluster: String = "east", keyID: Int32 = 1) throws -> String
    {
        let publicKey = try fleet.sealingPublicKey(cluster: cluster, keyID: keyID)
        return try publicKey.seal(SecretBytes(utf8: text), for: binding).text
    }

    private func release(registry: String? = nil, credentials: String? = nil) -> ClusterWork {
        var request = ReleaseRequested.web()
        request.registrySecrets = registry.map { [RegistrySecret(name: "registry", sealed: $0)] }
        request.chartCredentials = credentials
        return .release(request)
    }

    @Test func `a release's secrets open in their places`() throws {
        let registry = Binding("east", "shop-staging", "registry-secret", "registry", ".dockerconfigjson")
        let chart = Binding("east", "shop-staging", "chart", "web-1", "credentials")
        let work = release(
            registry: try seal("{\"auths\":{}}", for: registry),
            credentials: try seal("{\"username\":\"u\"}", for: chart)
        )
        let secrets = try SecretOpener(cluster: "east", key: key).open(work)
        #expect(secrets[.registry("registry")]?.text() == "{\"auths\":{}}")
        #expect(secrets[.chart("web-1")]?.text() == "{\"username\":\"u\"}")
    }

    @Test func `while keys are rotated both open`() throws {
        let place = Binding("east", "shop-staging", "chart", "web-1", "credentials")
        let next = fleet.clusterKey("east", keyID: 2)
        for (keyID, own, former) in [(Int32(1), next, [key]), (2, key, [next]), (2, next, [key]), (2, next, [])] {
            let work = release(credentials: try seal("x", for: place, keyID: keyID))
            let secrets = try SecretOpener(cluster: "east", key: own, former: former).open(work)
            #expect(secrets[.chart("web-1")]?.text() == "x")
        }
        let work = release(credentials: try seal("x", for: place, keyID: 1))
        #expect(throws: WorkFailure.self) { try SecretOpener(cluster: "east", key: next).open(work) }
    }

    @Test(arguments: [
        ["west", "shop-staging", "chart", "web-1", "credentials"],
        ["east", "shop-production", "chart", "web-1", "credentials"],
        ["east", "shop-staging", "secret", "web-1", "credentials"],
        ["east", "shop-staging", "chart", "web-2", "credentials"],
        ["east", "shop-staging", "chart", "web-1", "password"],
    ])
    func `what was sealed for another place does not open`(parts: [String]) throws {
        let work = release(credentials: try seal("hunter2", for: Binding(parts: parts)))
        #expect {
            try SecretOpener(cluster: "east", key: key).open(work)
        } throws: { error in
            guard let failure = error as? WorkFailure else { return false }
            return failure.code == "cannot_open" && failure.message.contains("'chartCredentials'")
                && !failure.message.contains("hunter2")
        }
    }

    @Test(arguments: ["hunter2", "sealed:v1:nonsense", "sealed:v2:a:b"])
    func `what is not sealed is not taken`(text: String) throws {
        #expect {
            try SecretOpener(cluster: "east", key: key).open(release(registry: text))
        } throws: { error in
            guard let failure = error as? WorkFailure else { return false }
            return failure.code == "cannot_open" && failure.message.contains("'registrySecrets.registry'")
                && !failure.message.contains(text)
        }
    }

    @Test func `registry secrets are made before the release, named in its pods, and go with the last that names them`()
    {
        var world = ClusterWorld()
        world.makeNamespace()
        var secrets = OpenedSecrets()
        secrets[.registry("registry")] = SecretBytes(utf8: "{\"auths\":{\"r\":{\"auth\":\"aHVudGVyMg==\"}}}")
        func request(_ instance: String, generation: Int64 = 1) -> ClusterWork {
            var request = ReleaseRequested.web(generation: generation, command: instance, instance: instance)
            request.registrySecrets = [RegistrySecret(name: "registry", sealed: "sealed:v1:a:b")]
            return .release(request)
        }
        #expect(world.finish(request("web-1"), secrets: secrets) == .some(nil))
        #expect(world.finish(request("web-2"), secrets: secrets) == .some(nil))
        world.pass(seconds: 10)
        #expect(world.all("Secret").map(\.id.name) == ["registry"])
        #expect(world.all("Secret").first?.content?["type"]?.string == "kubernetes.io/dockerconfigjson")
        let named = world.all("Pod").map { $0.spec?["imagePullSecrets"]?.elements.first?["name"]?.string }
        #expect(!named.isEmpty && named.allSatisfy { $0 == "registry" })
        for (instance, left) in [("web-1", 1), ("web-2", 0)] {
            let removal = RemovalRequested(
                command: "r-\(instance)",
                generation: 2,
                namespace: "shop-staging",
                instance: instance,
                deadline: ""
            )
            #expect(world.finish(.removal(removal)) == .some(nil))
            #expect(world.all("Secret").count == left)
        }
        let everything = world.events.map { String(describing: $0) }.joined()
        #expect(!everything.contains("aHVudGVyMg"))
    }
}
