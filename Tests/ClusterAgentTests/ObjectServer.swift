import Domain
import Foundation
import Kubernetes
import Logging
import Synchronization
import TestSupport

@testable import ClusterAgent

/// A server that keeps single objects as an API server does, with the namespace `shop` of the cluster `east` in it.
final class ObjectServer: Sendable {
    /// What it says to a request in place of what it would do; `nil` where it does that.
    typealias Override = @Sendable (APIServerDouble.Request) -> APIServerDouble.Answer?

    private final class Store: Sendable {
        let objects = Mutex<[String: ObjectValue]>([:])
    }

    private let store: Store
    let double: APIServerDouble
    static let shop = "/api/v1/namespaces/shop"

    /// The kinds that it serves, by group and version; more may be given.
    private static let usual: [String: [(plural: String, kind: String)]] = [
        "/api/v1": [
            ("namespaces", "Namespace"), ("configmaps", "ConfigMap"), ("secrets", "Secret"), ("pods", "Pod"),
            ("services", "Service"),
        ]
    ]

    /// Starts it.
    ///
    /// - Parameters:
    ///   - objects: By their paths.
    ///   - groups: More kinds that it serves, by the paths of their groups.
    init(
        _ objects: [String: ObjectValue] = [:],
        groups: [String: [(plural: String, kind: String)]] = [:],
        override: @escaping Override = { _ in nil }
    ) async throws {
        let store = Store()
        let kinds = Self.usual.merging(groups) { $1 }.mapValues { ObjectServer.resources($0) }
        store.objects.withLock { $0 = objects }
        self.store = store
        double = try await APIServerDouble { request in
            if let answer = override(request) { return answer }
            if let kinds = kinds[request.path] { return (200, kinds) }
            return ObjectServer.answer(request, store)
        }
    }

    /// The object at a path as it is now.
    func object(_ path: String) -> ObjectValue? { store.objects.withLock { $0[path] } }

    /// The paths of what was changed or deleted, in order, with the methods before them; the agent's own notes left out.
    var changes: [String] {
        double.asked.filter { $0.method != "GET" && !$0.path.contains("/namespaces/slipway/") }
            .map { "\($0.method) \($0.path)" }
    }

    private static func resources(_ kinds: [(plural: String, kind: String)]) -> String {
        let list = kinds.map {
            #"{"name":"\#($0.plural)","kind":"\#($0.kind)","namespaced":\#($0.kind != "Namespace")}"#
        }
        return #"{"resources":[\#(list.joined(separator: ","))]}"#
    }

    private static func answer(_ request: APIServerDouble.Request, _ store: Store) -> APIServerDouble.Answer {
        let path = request.path
        // A watch that ends at once, with nothing to tell.
        if request.query["watch"] != nil { return (200, "") }
        switch request.method {
        case "PATCH": return (200, change(path, request, store))
        case "DELETE": return store.objects.withLock { $0.removeValue(forKey: path) } == nil ? (404, "{}") : (200, "{}")
        default: break
        }
        if let object = store.objects.withLock({ $0[path] }) { return (200, text(object)) }
        if path == "/api/v1/namespaces" { return (200, list([namespace("shop")])) }
        let parts = path.split(separator: "/")
        if path.hasPrefix("/api/v1/namespaces/"), parts.count == 4 { return (200, text(namespace(String(parts[3])))) }
        let isList = parts.count == (path.hasPrefix("/apis") ? 6 : 5) && parts.contains("namespaces")
        guard isList else { return (404, #"{"reason":"NotFound"}"#) }
        let all = store.objects.withLock { $0 }
        return (200, list(all.keys.sorted().filter { $0.hasPrefix(path + "/") }.compactMap { all[$0] }))
    }

    private static func change(_ path: String, _ request: APIServerDouble.Request, _ store: Store) -> String {
        var object = (try? ObjectValue(answer: request.body)) ?? .empty
        return store.objects.withLock { objects -> String in
            if request.headers["content-type"] != "application/apply-patch+yaml", let before = objects[path] {
                object = before.merging(object)
            }
            var metadata = object["metadata"] ?? .empty
            metadata["uid"] = objects[path]?.path("metadata", "uid") ?? .string(UUID().uuidString)
            metadata["resourceVersion"] = "2"
            object["metadata"] = metadata
            objects[path] = object
            return text(object)
        }
    }

    private static func namespace(_ name: String) -> ObjectValue {
        [
            "metadata": [
                "name": .string(name), "uid": .string("uid-\(name)"), "resourceVersion": "1",
                "labels": [ClusterWatch.label: "east"],
            ]
        ]
    }

    private static func list(_ items: [ObjectValue]) -> String {
        text(["metadata": ["resourceVersion": "1"], "items": .array(items)])
    }

    private static func text(_ value: ObjectValue) -> String { String(decoding: value.json, as: UTF8.self) }
}

/// An agent that works with it.
extension ObjectServer {
    /// Connects an agent, has it do the work, and returns how each ended.
    ///
    /// - Parameter isGivenUp: Whether nobody wants it any more as soon as it was begun.
    func finish(
        _ works: [ClusterWork],
        account: KubernetesCluster.Account? = nil,
        isGivenUp: Bool = false
    ) async throws -> [WorkFailure?] {
        let client = KubernetesClient(KubernetesConfiguration(server: double.address, credential: .none))
        let cluster = try await KubernetesCluster.connect(
            client,
            cluster: "east",
            home: "slipway",
            account: account,
            helm: HelmProgram(helm: "/bin/false", agent: "/bin/false", kubeconfig: nil, context: nil),
            logger: Logger(label: "test")
        )
        var ends: [WorkFailure?] = []
        for work in works {
            cluster.start(work, secrets: OpenedSecrets(), now: 0)
            if isGivenUp { cluster.giveUp(work.mark) }
            ends.append(await Self.end(of: work, in: cluster))
        }
        cluster.close()
        await client.close()
        return ends
    }

    private static func end(of work: ClusterWork, in cluster: KubernetesCluster) async -> WorkFailure? {
        while true {
            for case .finished(let ended, let failure) in cluster.poll(now: 0) where ended.mark == work.mark {
                return failure
            }
            await Task.yield()
        }
    }
}

extension ObjectsRequested {
    /// Objects of a subject in the namespace `shop`.
    static func of(
        _ kind: String,
        _ name: String,
        _ objects: [ObjectValue] = [],
        removed: [ObjectReference] = [],
        podMark: PodMark? = nil,
        generation: Int64 = 1,
        renew: Bool? = nil
    ) -> ObjectsRequested {
        var request = ObjectsRequested(
            command: "c-\(kind)-\(generation)",
            generation: generation,
            namespace: "shop",
            subject: ObjectSubject(kind: kind, name: name),
            objects: objects,
            removed: removed,
            podMark: podMark,
            deadline: "2026-11-23T09:00:00.000Z"
        )
        request.renew = renew
        return request
    }
}

extension ObjectValue {
    /// An object with a name and nothing else.
    static func named(_ name: String, kind: String, _ apiVersion: String = "v1") -> ObjectValue {
        ["apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": ["name": .string(name)]]
    }
}
