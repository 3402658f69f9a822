import Domain
import WorkerRuntime

/// The endpoints controller: which pods are behind a service.
extension SimulatedCluster {
    /// Notes that the endpoints of a namespace may have changed.
    mutating func noteEndpoints(of object: ClusterObject) {
        guard ["Pod", "Service"].contains(object.id.kind) else { return }
        guard unsettledEndpoints.insert(object.id.namespace).inserted else { return }
        later(timings.observe, .endpoints(namespace: object.id.namespace))
    }

    mutating func updateEndpoints(in namespace: String) {
        unsettledEndpoints.remove(namespace)
        let own = objects.values.filter { $0.id.namespace == namespace }.sorted { $0.id < $1.id }
        let pods = own.filter { $0.id.kind == "Pod" }
        for service in own where service.id.kind == "Service" {
            let selector = (service.spec?["selector"] ?? .empty).texts
            guard !selector.isEmpty else { continue }
            let behind = pods.filter { pod in selector.allSatisfy { pod.labels[$0.key] == $0.value } }
            put(slice(of: service, pods: behind))
        }
    }

    /// The slice's labels are its own: it is shown through its service, not as an object of the instance.
    private mutating func slice(of service: ClusterObject, pods: [ClusterObject]) -> ClusterObject {
        var hashed = SeededRandom(seed: StableHash.of(service.uid))
        let id = ClusterObject.ID(
            kind: "EndpointSlice",
            namespace: service.id.namespace,
            name: "\(service.id.name)-\(hashed.suffix(5))"
        )
        var slice =
            objects[id]
            ?? ClusterObject(
                id: id,
                apiVersion: "discovery.k8s.io/v1",
                uid: random.uuid(),
                generation: 1,
                resourceVersion: "",
                labels: ["kubernetes.io/service-name": service.id.name],
                owner: service.asOwner,
                createdAt: now
            )
        let content: ObjectValue = [
            "addressType": "IPv4", "endpoints": .array(pods.compactMap(endpoint)), "ports": .array(ports(of: service)),
        ]
        if let before = slice.content, before != content { slice.generation = (slice.generation ?? 0) + 1 }
        slice.content = content
        return slice
    }

    private func endpoint(of pod: ClusterObject) -> ObjectValue? {
        guard let address = pod.status?["podIP"], lives[pod.id]?.isOver == false else { return nil }
        let isReady = isReady(pod) && pod.deletedAt == nil
        let target: ObjectValue = [
            "kind": "Pod", "name": .string(pod.id.name), "namespace": .string(pod.id.namespace),
            "uid": .string(pod.uid),
        ]
        var endpoint: ObjectValue = [
            "addresses": .array([address]),
            "conditions": [
                "ready": .bool(isReady), "serving": .bool(self.isReady(pod)),
                "terminating": .bool(pod.deletedAt != nil),
            ],
            "targetRef": target,
        ]
        endpoint["nodeName"] = pod.spec?["nodeName"]
        return endpoint
    }

    private func ports(of service: ClusterObject) -> [ObjectValue] {
        (service.spec?["ports"]?.elements ?? []).map { port in
            [
                "name": port["name"] ?? "", "port": port["targetPort"] ?? port["port"] ?? .null,
                "protocol": port["protocol"] ?? "TCP",
            ]
        }
    }
}
