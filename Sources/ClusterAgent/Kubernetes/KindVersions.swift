import Domain
import Kubernetes

/// The kinds that old clusters serve in an older version only.
enum KindVersions {
    private static let known: [String: [String]] = [
        "Ingress": ["networking.k8s.io/v1", "networking.k8s.io/v1beta1"],
        "CronJob": ["batch/v1", "batch/v1beta1"],
        "EndpointSlice": ["discovery.k8s.io/v1", "discovery.k8s.io/v1beta1"],
    ]

    /// In which versions a kind may be served: the one that is asked for, then the others of its group.
    static func of(_ kind: String, _ apiVersion: String) -> [String] {
        let versions = known[kind] ?? []
        guard versions.contains(apiVersion) else { return [apiVersion] }
        return [apiVersion] + versions.filter { $0 != apiVersion }
    }
}

extension KubernetesClient {
    /// The kind in the version that the cluster serves; `nil` where it serves none.
    func servedKind(_ kind: String, _ apiVersion: String) async throws(KubernetesError) -> KubernetesKind? {
        for version in KindVersions.of(kind, apiVersion) {
            if let found = try await self.kind(kind, version) { return found }
        }
        return nil
    }
}
