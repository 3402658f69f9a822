import Domain
import Kubernetes

/// The addresses of pods that Kubernetes keeps of a Service.
extension WorkRunner {
    /// What makes them of a selector, as it says on each EndpointSlice of its own.
    private static let maker = "endpointslice-controller.k8s.io"

    /// Ends that a Service leads to pods that it has no selector for any more: it leads out of the cluster now.
    ///
    /// Kubernetes leaves their addresses with it, and goes on sending there. The Endpoints go first: of those it makes
    /// slices anew as long as they are there. What was not made of a selector stays.
    func dropPods(behind service: ObjectValue, in namespace: String) async throws {
        guard service["kind"] == "Service", service.path("spec", "selector") == nil,
            let name = service.path("metadata", "name")?.string,
            let kind = try await client.servedKind("EndpointSlice", "discovery.k8s.io/v1")
        else { return }
        let labels = "kubernetes.io/service-name=\(name),endpointslice.kubernetes.io/managed-by=\(Self.maker)"
        let list = try ObjectValue(
            answer: await client.list(kind, namespace: namespace, labels: labels, detail: .metadata)
        )
        let slices = (list["items"]?.elements ?? []).compactMap { $0.path("metadata", "name")?.string }
        guard !slices.isEmpty else { return }
        let endpoints = try await client.requireKind("Endpoints", "v1")
        try await client.delete(endpoints, namespace: namespace, name: name)
        for slice in slices { try await client.delete(kind, namespace: namespace, name: slice) }
    }
}
