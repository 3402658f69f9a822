import Domain
import Foundation
import Kubernetes
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// Releases that an agent before has left unfinished, and a server that is busy after helm has done its part.
@Suite(.timeLimit(.minutes(5)))
struct ReleaseWorkTests {
    let helm: HelmDouble

    init() throws { helm = try HelmDouble() }

    /// A revision of the release as helm remembers it.
    struct Revision: Sendable {
        var number: Int
        var status: String
        var command: String?
        /// The command that decided what it is made of.
        var deployment: String?

        init(_ number: Int, _ status: String, by command: String?, _ deployment: String? = nil) {
            (self.number, self.status, self.command, self.deployment) = (number, status, command, deployment)
        }

        /// What the server tells of helm's Secret.
        var secret: String {
            let marks = [("command", command), ("deployment", deployment)]
            let own = marks.map { name, mark in mark.map { #","slipway.io/\#(name)":"\#($0)""# } ?? "" }.joined()
            let labels = #""owner":"helm","name":"web-1","status":"\#(status)","version":"\#(number)"\#(own)"#
            return #"{"metadata":{"name":"sh.helm.release.v1.web-1.v\#(number)","labels":{\#(labels)}}}"#
        }
    }

    static let place = "/api/v1/namespaces"
    private static let settings =
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop-staging","#
        + #""uid":"u-1","resourceVersion":"3"}}"#

    static func list(_ items: [String]) -> String {
        #"{"metadata":{"resourceVersion":"1"},"items":[\#(items.joined(separator: ","))]}"#
    }

    private static func metadata(_ name: String) -> String {
        #"{"metadata":{"name":"\#(name)","uid":"uid-\#(name)","resourceVersion":"1","labels":{"slipway.io/cluster":"east"}}}"#
    }

    /// A server with the namespace `shop-staging`, which answers as it is told where it is told so.
    static func server(
        _ revisions: @escaping @Sendable () -> [Revision] = { [] },
        answering answer: @escaping @Sendable (APIServerDouble.Request) -> APIServerDouble.Answer? = { _ in nil }
    ) async throws -> APIServerDouble {
        try await APIServerDouble { request in
            if let told = answer(request) { return told }
            switch request.path {
            case "/api/v1":
                let kinds = [("namespaces", "Namespace"), ("configmaps", "ConfigMap"), ("secrets", "Secret")]
                let resources = kinds.map { name, kind in
                    #"{"name":"\#(name)","kind":"\#(kind)","namespaced":\#(kind != "Namespace")}"#
                }
                return (200, #"{"resources":[\#(resources.joined(separator: ","))]}"#)
            case Self.place where request.query["watch"] == nil:
                return (200, Self.list([Self.metadata("shop-staging")]))
            case "\(Self.place)/shop-staging/secrets" where request.query["labelSelector"] != nil:
                return (200, Self.list(revisions().map(\.secret)))
            case "\(Self.place)/shop-staging/configmaps/settings": return (200, Self.settings)
            case _ where request.path.hasPrefix("/apis"): return (404, "{}")
            case _ where request.path.split(separator: "/").count == 4:
                return (200, Self.metadata(String(request.path.split(separator: "/")[3])))
            default: return (200, Self.list([]))
            }
        }
    }

    /// Does the work; returns how it ended, and the names of the objects that the cluster then knows of it.
    ///
    /// - Parameter isGivenUp: Whether nobody wants it any more as soon as it was begun.
    func end(
        _ work: ClusterWork,
        on server: APIServerDouble,
        _ program: HelmProgram,
        isGivenUp: Bool = false
    ) async throws -> (failure: WorkFailure?, objects: [String]) {
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let cluster = try await KubernetesCluster.connect(
            client,
            cluster: "east",
            home: "slipway",
            helm: program,
            logger: Logger(label: "test")
        )
        cluster.start(work, secrets: OpenedSecrets(), now: 0)
        if isGivenUp { cluster.giveUp(work.mark) }
        while true {
            for case .finished(let ended, let failure) in cluster.poll(now: 0) where ended.mark == work.mark {
                let objects = cluster.objects(of: work.subject).map(\.name)
                cluster.close()
                await client.close()
                return (failure, objects)
            }
            await Task.yield()
        }
    }

    static func deleted(on server: APIServerDouble) -> [String] {
        server.asked.filter { $0.method == "DELETE" }.compactMap { $0.path.split(separator: "/").last.map(String.init) }
    }

    // MARK: What was left unfinished

    /// What helm remembers before and after something was put back, and what is done about it.
    struct Story: Sendable {
        var before: [Revision]
        var after: [Revision] = []
        var rollback = "exit 0"
        var calls: [String]
        var deleted: [String] = []
    }

    private static let history = "history web-1 --output"
    static let upgrade = "upgrade --install web-1"
    private static let first = Revision(1, "deployed", by: "c-0")
    private static let back = [
        Revision(1, "superseded", by: "c-0"), Revision(2, "pending-upgrade", by: "c-9"),
        Revision(3, "deployed", by: "c-0"),
    ]

    static let stories: [Story] = [
        Story(before: [first], calls: [upgrade]),
        // The same command again applies over what its first attempt has applied.
        Story(
            before: [first, Revision(2, "pending-upgrade", by: "c-1")],
            calls: [upgrade],
            deleted: ["sh.helm.release.v1.web-1.v2"]
        ),
        Story(before: [Revision(1, "failed", by: "c-1")], calls: [upgrade]),
        // Another command's upgrade, and one of an older agent.
        Story(
            before: [first, Revision(2, "pending-upgrade", by: "c-9")],
            after: back,
            calls: [history, "rollback web-1 1", upgrade]
        ),
        Story(
            before: [first, Revision(2, "pending-upgrade", by: nil)],
            after: back,
            calls: [history, "rollback web-1 1", upgrade]
        ),
        Story(
            before: [first, Revision(2, "failed", by: "c-9")],
            after: back,
            calls: [history, "rollback web-1 1", upgrade]
        ),
        // Its installation.
        Story(
            before: [Revision(1, "pending-install", by: "c-9")],
            calls: [history, "uninstall web-1 --no-hooks", upgrade]
        ),
        // A way back that was cut off.
        Story(
            before: [first, Revision(2, "failed", by: "c-9"), Revision(3, "pending-rollback", by: "c-0")],
            after: back,
            calls: [history, "rollback web-1 1", upgrade],
            deleted: ["sh.helm.release.v1.web-1.v3"]
        ),
        // A way back that there is not.
        Story(
            before: [first, Revision(2, "pending-upgrade", by: "c-9")],
            after: [first, Revision(2, "pending-upgrade", by: "c-9"), Revision(3, "pending-rollback", by: "c-0")],
            rollback: "echo 'Error: no matches for kind' >&2; exit 1",
            calls: [history, "rollback web-1 1", upgrade],
            deleted: ["sh.helm.release.v1.web-1.v3", "sh.helm.release.v1.web-1.v2"]
        ),
        // An older attempt that was put back is over.
        Story(before: back, calls: [upgrade]),
    ]

    /// A server and a helm that remember the revisions of a story.
    func world(of story: Story) async throws -> (server: APIServerDouble, program: HelmProgram) {
        let history = story.before.map { #"{"revision":\#($0.number),"status":"\#($0.status)"}"# }
        let program = try helm.program(
            history: "[\(history.joined(separator: ","))]",
            rollback: story.rollback
        )
        let server = try await Self.server { [helm] in
            let calls = (try? helm.calls()) ?? []
            let isBack = calls.contains { $0.hasPrefix("rollback") || $0.hasPrefix("uninstall") }
            return isBack ? story.after : story.before
        }
        return (server, program)
    }

    @Test(arguments: stories)
    func `what was left unfinished is done again or put back, never just forgotten`(story: Story) async throws {
        let (server, program) = try await world(of: story)
        let end = try await end(.release(.web()), on: server, program)
        #expect(end.failure == nil && end.objects == ["settings"])
        #expect(try helm.calls() == story.calls)
        #expect(Self.deleted(on: server) == story.deleted)
    }

    static let removal = ClusterWork.removal(
        RemovalRequested(command: "c-2", generation: 2, namespace: "shop-staging", instance: "web-1", deadline: "")
    )

    static let removals: [Story] = [
        Story(
            before: [first, Revision(2, "pending-upgrade", by: "c-1")],
            after: back,
            calls: [history, "rollback web-1 1", "uninstall web-1 --timeout"]
        ),
        Story(
            before: [first, Revision(2, "pending-upgrade", by: "c-1")],
            after: [first, Revision(2, "pending-upgrade", by: "c-1")],
            rollback: "echo 'Error: no matches for kind' >&2; exit 1",
            calls: [history, "rollback web-1 1", "uninstall web-1 --timeout"]
        ),
        Story(
            before: [Revision(1, "pending-install", by: "c-1")],
            calls: [history, "uninstall web-1 --no-hooks", "uninstall web-1 --timeout"]
        ),
    ]

    @Test(arguments: removals)
    func `what is removed goes with what an unfinished attempt has applied`(story: Story) async throws {
        let (server, program) = try await world(of: story)
        #expect(try await end(Self.removal, on: server, program).failure == nil)
        #expect(try helm.calls() == story.calls)
        #expect(Self.deleted(on: server) == [], "helm needs what it remembers")
    }

    @Test func `a way back is tried again while the server is away`() async throws {
        let away = "echo 'Error: Kubernetes cluster unreachable: Get \"https://a/version\": EOF' >&2; exit 1"
        let story = Story(
            before: [Self.first, Revision(2, "pending-upgrade", by: "c-9")],
            after: [Self.first, Revision(2, "pending-upgrade", by: "c-9")],
            rollback: "[ -e \(helm.file("tried")) ] && exit 0; touch \(helm.file("tried")); \(away)",
            calls: []
        )
        let (server, program) = try await world(of: story)
        #expect(try await end(.release(.web()), on: server, program).failure == nil)
        let attempt = [Self.history, "rollback web-1 1"]
        #expect(try helm.calls() == attempt + attempt + [Self.upgrade])
    }

    @Test func `helm that may not read its records yet is tried again, and nothing is put back`() async throws {
        let denial = "query: failed to query with labels: secrets is forbidden: User \"a\" cannot list resource"
        let tried = helm.file("tried")
        let upgrade = "[ -e \(tried) ] && exit 0; touch \(tried); echo 'Error: UPGRADE FAILED: \(denial)' >&2; exit 1"
        let end = try await end(.release(.web()), on: Self.server(), helm.program(upgrade: upgrade))
        #expect(end.failure == nil && end.objects == ["settings"])
        #expect(try helm.calls() == [Self.upgrade, Self.upgrade])
    }

    // MARK: After helm has done its part

    static let troubles: [(path: String, status: Int, objects: [String])] = [
        ("configmaps/settings", 503, ["settings"]), ("configmaps/settings", 429, ["settings"]),
        ("configmaps/settings", 404, []), ("configmaps/slipway-mark.", 500, ["settings"]),
        ("configmaps/slipway-mark.", 409, ["settings"]),
    ]

    @Test(arguments: troubles)
    func `helm does not do a release again because the server was busy after it, or an object was gone`(
        path: String,
        status: Int,
        objects: [String]
    ) async throws {
        let isOver = Mutex(false)
        let server = try await Self.server(answering: { request in
            guard request.path.contains(path) else { return nil }
            let isFirst = isOver.withLock { over -> Bool in
                defer { over = true }
                return !over
            }
            guard isFirst else { return nil }
            return (status: status, body: "{}")
        })
        let end = try await end(.release(.web()), on: server, helm.program())
        #expect(end.failure == nil && end.objects == objects)
        #expect(try helm.calls() == [Self.upgrade])
    }
}
