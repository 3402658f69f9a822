import Domain
import Kubernetes
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// Work against a server that does what a real one cannot be made to do.
@Suite(.timeLimit(.minutes(1)))
struct WorkRunnerTests {
    private static let namespaces = "/api/v1/namespaces"

    private static func resources(_ kinds: [(name: String, kind: String, isNamespaced: Bool)]) -> String {
        let list = kinds.map { #"{"name":"\#($0.name)","kind":"\#($0.kind)","namespaced":\#($0.isNamespaced)}"# }
        return #"{"resources":[\#(list.joined(separator: ","))]}"#
    }

    /// A server with nothing in it, which answers for the namespace `shop` as it is told.
    private static func server(
        shop: @escaping @Sendable (APIServerDouble.Request) -> APIServerDouble.Answer
    ) async throws -> APIServerDouble {
        try await APIServerDouble { request in
            switch request.path {
            case "/api/v1":
                let usual = [
                    ("namespaces", "Namespace", false), ("configmaps", "ConfigMap", true), ("secrets", "Secret", true),
                    ("pods", "Pod", true),
                ]
                return (200, Self.resources(usual))
            case "\(namespaces)/shop": return shop(request)
            case _ where request.path.hasPrefix("\(namespaces)/") && request.path.split(separator: "/").count == 4:
                let name = request.path.split(separator: "/")[3]
                return (200, #"{"metadata":{"name":"\#(name)","uid":"uid-\#(name)","resourceVersion":"1"}}"#)
            case _ where request.path.hasPrefix("/apis"): return (404, "{}")
            default: return (200, #"{"metadata":{"resourceVersion":"1"},"items":[]}"#)
            }
        }
    }

    private static let work = ClusterWork.namespace(
        NamespaceRequested(command: "c-1", generation: 1, environment: "shop/staging", namespace: "shop")
    )

    /// Does the work and returns how it ended; `meanwhile` is called again and again until then.
    private static func end(
        on server: APIServerDouble,
        meanwhile: (KubernetesCluster) -> Void = { _ in }
    ) async throws -> WorkFailure? {
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let cluster = try await KubernetesCluster.connect(
            client,
            cluster: "east",
            home: "slipway",
            helm: HelmProgram(helm: "/bin/false", agent: "/bin/false", kubeconfig: nil, context: nil),
            logger: Logger(label: "test")
        )
        cluster.start(work, secrets: OpenedSecrets(), now: 0)
        while true {
            meanwhile(cluster)
            for case .finished(let ended, let failure) in cluster.poll(now: 0) where ended.mark == work.mark {
                await client.close()
                return failure
            }
            await Task.yield()
        }
    }

    @Test(arguments: [429, 500, 503])
    func `a namespace of somebody else's is not taken because its server was busy`(status: Int) async throws {
        let reads = Mutex(0)
        let server = try await Self.server { _ in
            let read = reads.withLock { reads -> Int in
                reads += 1
                return reads
            }
            guard read > 1 else { return (status, "{}") }
            return (200, #"{"metadata":{"name":"shop","uid":"u","resourceVersion":"1","labels":{"team":"other"}}}"#)
        }
        let failure = try await Self.end(on: server)
        #expect(failure?.code == "namespace_taken")
        #expect(!server.asked.contains { $0.path == "\(Self.namespaces)/shop" && $0.method != "GET" })
    }

    @Test func `work waits for rights that are on their way`() async throws {
        let reads = Mutex(0)
        let server = try await Self.server { _ in
            let read = reads.withLock { reads -> Int in
                reads += 1
                return reads
            }
            let denial = #"{"reason":"Forbidden","message":"namespaces is forbidden: User \"a\" cannot get resource"}"#
            guard read > 1 else { return (403, denial) }
            return (200, #"{"metadata":{"name":"shop","uid":"u","resourceVersion":"1","labels":{"team":"other"}}}"#)
        }
        #expect(try await Self.end(on: server)?.code == "namespace_taken", "it went on")
    }

    @Test func `what a server refuses for another reason than rights is not tried again`() async throws {
        let server = try await Self.server { _ in
            (403, #"{"reason":"Forbidden","message":"namespaces \"shop\" is forbidden: exceeded quota"}"#)
        }
        #expect(try await Self.end(on: server)?.code == "apply_failed")
        #expect(server.asked.count { $0.path == "\(Self.namespaces)/shop" } == 1)
    }

    @Test func `work waits for a server that is away until it is given up`() async throws {
        let server = try await Self.server { _ in (503, "{}") }
        let failure = try await Self.end(on: server) { cluster in
            let tries = server.asked.count { $0.path == "\(Self.namespaces)/shop" }
            if tries >= 2 { cluster.giveUp(Self.work.mark) }
        }
        #expect(failure?.code == "cluster_unreachable")
    }
}
