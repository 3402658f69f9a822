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

    private static func namespace(_ name: String, uid: String) -> String {
        #"{"metadata":{"name":"\#(name)","uid":"\#(uid)","resourceVersion":"2"}}"#
    }

    /// A server with nothing in it, which answers for the namespace `shop` as it is told.
    private static func server(
        marks: String = "",
        deletion: Int = 200,
        log: Int = 200,
        shop: @escaping @Sendable (APIServerDouble.Request) -> APIServerDouble.Answer
    ) async throws -> APIServerDouble {
        try await APIServerDouble { request in
            if request.method == "DELETE" { return (deletion, "{}") }
            switch request.path {
            case "\(namespaces)/slipway/configmaps":
                return (200, #"{"metadata":{"resourceVersion":"1"},"items":[\#(marks)]}"#)
            case "/api/v1":
                let usual = [
                    ("namespaces", "Namespace", false), ("configmaps", "ConfigMap", true), ("secrets", "Secret", true),
                    ("pods", "Pod", true),
                ]
                return (200, Self.resources(usual))
            case "\(namespaces)/shop": return shop(request)
            case "\(namespaces)/shop/pods/web-1/log": return (log, "{}")
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
        doing work: ClusterWork = work,
        meanwhile: (KubernetesCluster) -> Void = { _ in }
    ) async throws -> WorkFailure? {
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let cluster = try await KubernetesCluster.connect(
            client,
            cluster: "east",
            home: "slipway",
            account: KubernetesCluster.Account(name: "agent", environmentRole: "agent-environment"),
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

    @Test(arguments: ["default", "kube-system", "kube-public", "kube-node-lease", "slipway"])
    func `a namespace of the cluster's own is no environment's`(name: String) async throws {
        let server = try await Self.server { _ in (404, "{}") }
        let wanted = NamespaceRequested(command: "c-1", generation: 1, environment: "shop/staging", namespace: name)
        let failure = try await Self.end(on: server, doing: .namespace(wanted))
        #expect(failure?.code == "namespace_reserved")
        #expect(!server.asked.contains { $0.path == "\(Self.namespaces)/\(name)" && $0.method != "GET" })
    }

    @Test(arguments: [(404, "pod_missing"), (400, "log_unreadable"), (403, "log_unreadable")])
    func `a log that cannot be read says why`(status: Int, code: String) async throws {
        let server = try await Self.server(log: status) { _ in (404, "{}") }
        let request = LogsRequested(
            command: "c-1",
            namespace: "shop",
            pod: "web-1",
            container: "web",
            lines: 10,
            follow: false,
            seconds: 10,
            previous: false,
            bytes: 1_000
        )
        #expect(try await Self.end(on: server, doing: .log(request))?.code == code)
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
        let roles = server.asked.filter { $0.path.hasPrefix("/apis/rbac.authorization.k8s.io") }
        #expect(roles.isEmpty, "no rights in a namespace that turned out to be somebody else's")
    }

    @Test func `a denial is waited for from the first one on, and anew after another error`() {
        func error(_ status: Int) -> KubernetesError { KubernetesError(status: status, reason: "", message: "") }
        let start = ContinuousClock.now
        var grace = DenialGrace()
        let answers = [(503, 0), (401, 3600), (401, 3629), (401, 3630), (503, 3631), (401, 3632)].map {
            status,
            second in
            grace.covers(error(status), at: start + .seconds(second))
        }
        #expect(answers == [false, true, true, false, false, true])
    }

    @Test func `an old mark that cannot be deleted keeps no agent from starting`() async throws {
        let removal = RemovalRequested(command: "c", generation: 1, namespace: "n", instance: "web", deadline: "")
        var record = MarkRecord(.removal(removal), namespaceUID: "n")
        record.at = 0
        let mark = String(decoding: try record.manifest(cluster: "east", home: "slipway").json, as: UTF8.self)
        let server = try await Self.server(marks: mark, deletion: 500) { _ in (503, "{}") }
        let failure = try await Self.end(on: server) { $0.giveUp(Self.work.mark) }
        #expect(failure?.code == "cluster_unreachable", "it worked")
        #expect(server.asked.count { $0.method == "DELETE" } == 1)
        #expect(server.asked.count { $0.path == "\(Self.namespaces)/kube-system" } == 1, "it connected once")
    }

    @Test func `a namespace that was made again stays when the one before it is told as gone`() async throws {
        let gone = #"{"type":"DELETED","object":\#(Self.namespace("shop", uid: "one before"))}"#
        let late = #"{"type":"ADDED","object":\#(Self.namespace("late", uid: "u"))}"#
        let there = #"{"metadata":{"resourceVersion":"1"},"items":[\#(Self.namespace("shop", uid: "u"))]}"#
        let server = try await APIServerDouble { request in
            switch request.path {
            case "/api/v1":
                let kinds = [("namespaces", "Namespace", false), ("configmaps", "ConfigMap", true)]
                return (200, Self.resources(kinds))
            case Self.namespaces: return (200, request.query["watch"] == nil ? there : "\(gone)\n\(late)\n")
            case _ where request.path.hasPrefix("/apis"): return (404, "{}")
            default: return (200, Self.namespace("any", uid: "u"))
            }
        }
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let cluster = try await KubernetesCluster.connect(
            client,
            cluster: "east",
            home: "slipway",
            helm: HelmProgram(helm: "/bin/false", agent: "/bin/false", kubeconfig: nil, context: nil),
            logger: Logger(label: "test")
        )
        while !cluster.namespaces.contains("late") { await Task.yield() }
        #expect(cluster.namespaces.contains("shop"))
        cluster.close()
        await client.close()
    }

    @Test(arguments: [("agent-environment", false), ("another", true)])
    func `a binding that cannot be changed is made anew where it is for another role`(
        role: String,
        isMadeAnew: Bool
    ) async throws {
        let isDeleted = Mutex(false)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/slipway-agent") else {
                return (200, Self.resources([("rolebindings", "RoleBinding", true)]))
            }
            switch request.method {
            case "GET": return (200, #"{"roleRef":{"name":"\#(role)"}}"#)
            case "DELETE":
                isDeleted.withLock { $0 = true }
                return (200, "{}")
            default: return isDeleted.withLock { $0 } ? (200, "{}") : (422, #"{"reason":"Invalid"}"#)
            }
        }
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let account = KubernetesCluster.Account(name: "agent", environmentRole: "agent-environment")
        let grant = NamespaceGrant(client: client, account: account, home: "slipway")
        var status: Int?
        do throws(KubernetesError) { try await grant.give(in: "shop") } catch { status = error.status }
        await client.close()
        #expect(status == (isMadeAnew ? nil : 422) && isDeleted.withLock { $0 } == isMadeAnew)
    }

    static let reviews: [(answer: APIServerDouble.Answer, isConfined: Bool)] = [
        ((201, #"{"status":{"allowed":true}}"#), true), ((201, #"{"status":{"allowed":false}}"#), false),
        ((403, "{}"), false), ((404, "{}"), false),
    ]

    @Test(arguments: reviews)
    func `helm acts for one namespace only where the server lets the agent, which asks it once`(
        answer: APIServerDouble.Answer,
        isConfined: Bool
    ) async throws {
        let server = try await APIServerDouble { request in
            if request.path.hasSuffix("/selfsubjectaccessreviews") { return answer }
            let kinds = [
                ("rolebindings", "RoleBinding", true), ("selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
            ]
            return (200, Self.resources(kinds))
        }
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let account = KubernetesCluster.Account(name: "agent", environmentRole: "agent-environment")
        let grant = NamespaceGrant(client: client, account: account, home: "slipway")
        #expect(try await grant.mayConfineHelm() == isConfined)
        #expect(try await !NamespaceGrant(client: client, account: nil, home: "slipway").mayConfineHelm())
        try await grant.give(in: "shop")
        await client.close()
        let bodies = server.asked.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies.count { $0.contains(#""verb":"impersonate""#) && $0.contains(#""name":"slipway-helm""#) } == 1)
        let subject = #"{"kind":"ServiceAccount","name":"slipway-helm","namespace":"shop"}"#
        #expect(bodies.contains { $0.contains(#""kind":"RoleBinding""#) && $0.contains(subject) })
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
