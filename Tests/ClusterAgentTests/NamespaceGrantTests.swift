import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// The rights that an agent gives when it starts, in the namespaces that are there already.
@Suite(.timeLimit(.minutes(1)))
struct NamespaceGrantTests {
    private static let account = KubernetesCluster.Account(name: "agent", environmentRole: "agent-environment")
    private static let binding = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/slipway-agent"
    private static let groups = [
        "/apis/rbac.authorization.k8s.io/v1": [(plural: "rolebindings", kind: "RoleBinding")],
        "/apis/authorization.k8s.io/v1": [(plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview")],
    ]

    /// A server with the binding that an agent before has made, for its own account only.
    private static func server(
        allowing isAllowed: Bool = true,
        binding answer: APIServerDouble.Answer? = nil
    ) async throws -> ObjectServer {
        var before = ObjectValue.named("slipway-agent", kind: "RoleBinding", "rbac.authorization.k8s.io/v1")
        before["subjects"] = [["kind": "ServiceAccount", "name": "agent", "namespace": "slipway"]]
        return try await ObjectServer([binding: before], groups: groups) { request in
            if request.path.hasSuffix("/selfsubjectaccessreviews") {
                return (201, #"{"status":{"allowed":\#(isAllowed)}}"#)
            }
            return request.path == binding ? answer : nil
        }
    }

    private static func subjects(on server: ObjectServer) -> [String] {
        (server.object(binding)?["subjects"]?.elements ?? []).compactMap { $0["name"]?.string }
    }

    @Test(arguments: [(true, ["agent", "slipway-helm"]), (false, ["agent"])])
    func `an agent that was upgraded gives helm its rights where an older one has made the binding`(
        isAllowed: Bool,
        subjects: [String]
    ) async throws {
        let server = try await Self.server(allowing: isAllowed)
        _ = try await server.finish([], account: Self.account)
        #expect(Self.subjects(on: server) == subjects)
    }

    @Test func `a namespace in which it may give no rights keeps no agent from starting`() async throws {
        let server = try await Self.server(binding: (403, #"{"reason":"Forbidden","message":"no"}"#))
        let work = ClusterWork.objects(.of("config-map", "settings", [.named("settings", kind: "ConfigMap")]))
        #expect(try await server.finish([work], account: Self.account) == [nil])
        #expect(Self.subjects(on: server) == ["agent"])
    }
}
