import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// Networks that led to pods and lead out of the cluster now.
@Suite(.timeLimit(.minutes(1)))
struct FormerEndpointsTests {
    private static let group = "/apis/discovery.k8s.io/v1"
    private static let slices = "\(group)/namespaces/shop/endpointslices"
    private static let endpoints = "\(ObjectServer.shop)/endpoints/db"
    private static let service = "\(ObjectServer.shop)/services/db"
    private static let kinds: [String: [(plural: String, kind: String)]] = [
        "/api/v1": [
            ("namespaces", "Namespace"), ("configmaps", "ConfigMap"), ("secrets", "Secret"), ("pods", "Pod"),
            ("services", "Service"), ("endpoints", "Endpoints"),
        ],
        group: [("endpointslices", "EndpointSlice")],
    ]

    /// A server on which Kubernetes has made these slices of a selector of the Service `db`.
    private static func server(_ made: [String], mayDelete: Bool = true) async throws -> ObjectServer {
        let items = made.map { ObjectValue.named($0, kind: "EndpointSlice", "discovery.k8s.io/v1") }
        let list: ObjectValue = ["metadata": ["resourceVersion": "1"], "items": .array(items)]
        let text = String(decoding: list.json, as: UTF8.self)
        let maker = "endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io"
        return try await ObjectServer(groups: kinds) { request in
            if request.path == Self.endpoints, !mayDelete { return (403, #"{"reason":"Forbidden","message":"no"}"#) }
            guard request.path == Self.slices,
                request.query["labelSelector"] == "kubernetes.io/service-name=db,\(maker)"
            else { return nil }
            return (200, text)
        }
    }

    private static func network(selector: ObjectValue?) -> ClusterWork {
        var service = ObjectValue.named("db", kind: "Service")
        if let selector { service["spec"] = ["selector": selector] }
        let slice = ObjectValue.named("db-1-ipv4", kind: "EndpointSlice", "discovery.k8s.io/v1")
        return .objects(.of("network", "db", selector == nil ? [service, slice] : [service]))
    }

    @Test func `what Kubernetes has made of a selector goes when a network leads out of the cluster`() async throws {
        let server = try await Self.server(["db-x7k2p", "db-m4q9z"])
        #expect(try await server.finish([Self.network(selector: nil)]) == [nil])
        let own = ["PATCH \(Self.service)", "PATCH \(Self.slices)/db-1-ipv4"]
        let gone = ["DELETE \(Self.endpoints)", "DELETE \(Self.slices)/db-x7k2p", "DELETE \(Self.slices)/db-m4q9z"]
        #expect(server.changes == own + gone)
    }

    @Test func `a Service that leads to pods keeps them, and one that never did keeps its Endpoints`() async throws {
        let toPods = try await Self.server(["db-x7k2p"])
        #expect(try await toPods.finish([Self.network(selector: ["app": "db"])]) == [nil])
        #expect(toPods.changes == ["PATCH \(Self.service)"])
        let toHosts = try await Self.server([])
        #expect(try await toHosts.finish([Self.network(selector: nil)]) == [nil])
        #expect(toHosts.changes == ["PATCH \(Self.service)", "PATCH \(Self.slices)/db-1-ipv4"])
    }

    @Test func `a network does not count as changed while it leads to the pods of before`() async throws {
        let server = try await Self.server(["db-x7k2p"], mayDelete: false)
        let failure = try #require(try await server.finish([Self.network(selector: nil)]).first ?? nil)
        #expect(failure.code == "apply_failed" && failure.message.contains("403"))
        #expect(!server.changes.contains("DELETE \(Self.slices)/db-x7k2p"), "the next try finds it")
    }
}
