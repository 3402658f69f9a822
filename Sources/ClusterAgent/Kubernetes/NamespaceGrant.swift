import Domain
import Kubernetes
import Logging

/// Gives the agent's own account its rights in a namespace, where it has none in the whole cluster.
struct NamespaceGrant: Sendable {
    let client: KubernetesClient
    /// The account; `nil` where it has its rights already.
    let account: KubernetesCluster.Account?
    /// The agent's own namespace, which the account is of.
    let home: String
    /// What the binding is called, in every namespace.
    static let name = "slipway-agent"
    /// The service account of each namespace as which helm acts there: it has the same rights, and in no other namespace.
    ///
    /// It need not exist, and nobody should make one: a pod of its could do what helm can.
    static let helmAccount = "slipway-helm"

    /// Makes the binding as it should be; one that is so already is not changed.
    func give(in namespace: String) async throws(KubernetesError) {
        guard let account else { return }
        let binding: ObjectValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": [
                "name": .string(Self.name), "namespace": .string(namespace),
                "labels": [ObjectLabel.managedBy: "slipway"],
            ],
            "roleRef": [
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": .string(account.environmentRole),
            ],
            "subjects": [
                ["kind": "ServiceAccount", "name": .string(account.name), "namespace": .string(home)],
                ["kind": "ServiceAccount", "name": .string(Self.helmAccount), "namespace": .string(namespace)],
            ],
        ]
        let kind = try await client.requireKind("RoleBinding", "rbac.authorization.k8s.io/v1")
        do {
            _ = try await client.apply(binding.json, kind, namespace: namespace, name: Self.name)
        } catch {
            // The role that a binding names cannot be changed: another installation of the agent had another one.
            guard error.status == 422, try await isForAnotherRole(kind, namespace, account.environmentRole) else {
                throw error
            }
            try await client.delete(kind, namespace: namespace, name: Self.name)
            _ = try await client.apply(binding.json, kind, namespace: namespace, name: Self.name)
        }
    }

    /// Gives helm its rights in namespaces that are there: an agent before this one gave them to its own account only.
    ///
    /// A namespace in which that is refused keeps no agent from starting; a server that is away is waited for.
    func renew(in namespaces: [String], _ logger: Logger) async throws(KubernetesError) {
        for namespace in namespaces {
            do throws(KubernetesError) {
                try await give(in: namespace)
            } catch {
                guard !error.isRetriable else { throw error }
                logger.warning("helm has no rights in the namespace '\(namespace)': \(error)")
            }
        }
    }

    /// Whether helm may act as the account of each namespace, and not as the agent, which has its rights in all of them.
    ///
    /// An agent that has its rights in the whole cluster gives them to nobody.
    func mayConfineHelm() async throws(KubernetesError) -> Bool {
        guard account != nil else { return false }
        let review: ObjectValue = [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": [
                "resourceAttributes": [
                    "verb": "impersonate", "version": "v1", "resource": "serviceaccounts",
                    "name": .string(Self.helmAccount),
                ]
            ],
        ]
        do throws(KubernetesError) {
            let kind = try await client.requireKind("SelfSubjectAccessReview", "authorization.k8s.io/v1")
            let bytes = try await client.create(review.json, kind, namespace: nil)
            let answer = try? ObjectValue(answer: bytes)
            return answer?.path("status", "allowed") == true
        } catch {
            guard error.isRetriable else { return false }
            throw error
        }
    }

    private func isForAnotherRole(
        _ kind: KubernetesKind,
        _ namespace: String,
        _ role: String
    ) async throws(KubernetesError) -> Bool {
        let found = try? ObjectValue(answer: await client.get(kind, namespace: namespace, name: Self.name))
        return found?.path("roleRef", "name")?.string != role
    }
}
