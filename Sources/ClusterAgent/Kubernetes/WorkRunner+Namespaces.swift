import Domain
import Kubernetes

/// Namespaces: made, handed over, and removed with everything in them.
extension WorkRunner {
    /// Namespaces that are never an environment's.
    private static let reserved: Set<String> = ["default", "kube-system", "kube-public", "kube-node-lease"]

    /// How long a namespace may take to go away: finalizers can hold it up.
    private static let removalLimit = Duration.seconds(900)

    func make(_ request: NamespaceRequested, _ work: ClusterWork) async throws {
        let name = request.namespace
        guard !Self.reserved.contains(name), name != home else {
            throw WorkFailure(
                code: "namespace_reserved",
                message: "The namespace '\(name)' is the cluster's own; choose another for the environment."
            )
        }
        let kind = try await client.requireKind("Namespace", "v1")
        try await waitUntilTakeable(name, kind)
        let labels: ObjectValue = [ObjectLabel.managedBy: "slipway", ClusterWatch.label: .string(cluster)]
        let object: ObjectValue = [
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name), "labels": labels],
        ]
        let answer = try ObjectValue(answer: await client.apply(object.json, kind, namespace: nil, name: name))
        try await grant.give(in: name)
        await watch.put(answer)
        guard try await wait(.seconds(60), until: { view.isListed(name) }) else {
            throw KubernetesError(
                status: 0,
                reason: "Unreachable",
                message: "The namespace '\(name)' cannot be watched."
            )
        }
        try await marks.keep(record(of: work))
    }

    /// A namespace of somebody else's is not taken; one that is going away is waited for.
    private func waitUntilTakeable(_ name: String, _ kind: KubernetesKind) async throws {
        let isThere = try await wait(Self.removalLimit) {
            guard let metadata = try await read(name, kind)?["metadata"] else { return true }
            if metadata["deletionTimestamp"] != nil { return false }
            guard metadata.path("labels", ClusterWatch.label)?.string == cluster else {
                throw WorkFailure(
                    code: "namespace_taken",
                    message: "The namespace '\(name)' is not Slipway's; give it the label "
                        + "'\(ClusterWatch.label)=\(cluster)' to hand it over, or choose another."
                )
            }
            return true
        }
        if !isThere {
            throw WorkFailure(code: "namespace_terminating", message: "The namespace '\(name)' is still going away.")
        }
    }

    func remove(_ request: NamespaceRemovalRequested, _ work: ClusterWork) async throws {
        let name = request.namespace
        let kind = try await client.requireKind("Namespace", "v1")
        if view.namespace(name) != nil {
            try await client.delete(kind, namespace: nil, name: name)
            let isGone = try await wait(Self.removalLimit) { try await read(name, kind) == nil }
            guard isGone else {
                throw WorkFailure(
                    code: "namespace_terminating",
                    message:
                        "The namespace '\(name)' does not go away; something in it has a finalizer that nobody ends."
                )
            }
            await watch.drop(name)
        }
        try await marks.keep(record(of: work))
    }

    /// The namespace; `nil` only where the server says that there is none.
    private func read(_ name: String, _ kind: KubernetesKind) async throws -> ObjectValue? {
        do {
            return try ObjectValue(answer: await client.get(kind, namespace: nil, name: name))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }
}
