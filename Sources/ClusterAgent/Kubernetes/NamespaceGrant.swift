import Domain
import Kubernetes

/// Gives the agent's own account its rights in a namespace, where it has none in the whole cluster.
struct NamespaceGrant: Sendable {
    let client: KubernetesClient
    /// The account; `nil` where it has its rights already.
    let account: KubernetesCluster.Account?
    /// The agent's own namespace, which the account is of.
    let home: String

    /// Makes the binding as it should be; one that is so already is not changed.
    func give(in namespace: String) async throws(KubernetesError) {
        guard let account else { return }
        let binding: ObjectValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": [
                "name": "slipway-agent", "namespace": .string(namespace),
                "labels": [ObjectLabel.managedBy: "slipway"],
            ],
            "roleRef": [
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": .string(account.environmentRole),
            ],
            "subjects": [
                ["kind": "ServiceAccount", "name": .string(account.name), "namespace": .string(home)]
            ],
        ]
        let kind = try await client.requireKind("RoleBinding", "rbac.authorization.k8s.io/v1")
        do {
            _ = try await client.apply(binding.json, kind, namespace: namespace, name: "slipway-agent")
        } catch {
            guard error.status == 422 else { throw error }
            // The role that a binding names cannot be changed: another installation of the agent had another one.
            try await client.delete(kind, namespace: namespace, name: "slipway-agent")
            _ = try await client.apply(binding.json, kind, namespace: namespace, name: "slipway-agent")
        }
    }
}
