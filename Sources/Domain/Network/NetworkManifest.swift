internal import JSON

/// The objects of a network, and the mark that its agent keeps on pods for it.
///
/// A Service's selector can only say that all its labels hold, so it cannot say "web-1 or web-2". A network of several
/// instances therefore selects a label of its own, and its agent keeps that label on the pods of these instances: with a
/// server-side apply of the pod's labels under a field manager of the network's own, which restarts nothing and takes
/// nothing from others; on pods that appear, before they are ready; and in the pod template with the instance's next
/// deployment. While no agent runs, new pods get no traffic and no wrong pod ever gets any. The alternative, to write the
/// endpoints ourselves, would send traffic to dead pods while no agent runs.
struct NetworkManifest: Sendable, Hashable {
    /// The label that the pods of several instances need.
    struct PodMark: Sendable, Hashable {
        let label: String
        let instances: [String]
    }

    /// The Service first, then the EndpointSlices of hosts outside the cluster.
    let objects: [ObjectManifest]
    let podMark: PodMark?

    /// Writes a network that was checked.
    init(_ network: NetworkSpec, head: ObjectHead) {
        podMark = Self.podMark(network.target, head)
        let slices = Self.slices(network, head)
        objects = [Self.service(network, head, Self.selector(network.target, head))] + slices
    }

    private static func podMark(_ target: NetworkTarget, _ head: ObjectHead) -> PodMark? {
        guard let instances = target.instances, instances.count > 1 else { return nil }
        return PodMark(label: ObjectLabel.network(head.name), instances: instances)
    }

    /// Which pods it leads to; `nil` where it leads out of the cluster.
    private static func selector(_ target: NetworkTarget, _ head: ObjectHead) -> [String: String]? {
        if let mark = podMark(target, head) { return [mark.label: "true"] }
        if let instance = target.instances?.first { return [ObjectLabel.instance: instance] }
        if let application = target.application { return [ObjectLabel.application: application] }
        return target.labels
    }

    private static func service(
        _ network: NetworkSpec,
        _ head: ObjectHead,
        _ selector: [String: String]?
    ) -> ObjectManifest {
        ObjectManifest(head, apiVersion: "v1", kind: "Service", annotations: network.annotations ?? [:]) { json in
            json.member("spec") { spec in
                spec.member("type", (network.type ?? .clusterIP).rawValue)
                if let selector { spec.member("selector", sorted: selector) }
                spec.array("ports") { ports in
                    for port in network.ports { write(port, into: &ports) }
                }
                if let addresses = network.externalIPs, !addresses.isEmpty {
                    spec.member("externalIPs", array: addresses)
                }
                // Without it a cluster of both families would give the Service only the first of them.
                if hasIPv6Endpoints(network) { spec.member("ipFamilyPolicy", "PreferDualStack") }
            }
        }
    }

    private static func write(_ port: NetworkPort, into json: inout JSONWriter) {
        json.object { json in
            json.member("name", port.name)
            json.member("port", port.port)
            switch port.targetPort ?? .number(port.port) {
            case .number(let number): json.member("targetPort", number)
            case .name(let name): json.member("targetPort", name)
            }
            json.member("protocol", port.transport.rawValue)
            if let nodePort = port.nodePort { json.member("nodePort", nodePort) }
        }
    }

    private static func hasIPv6Endpoints(_ network: NetworkSpec) -> Bool {
        (network.target.endpoints ?? []).contains { $0.addresses.contains { IPAddress($0)?.family == .ipv6 } }
    }

    /// A slice holds addresses of one family that answer at the same ports.
    private static func slices(_ network: NetworkSpec, _ head: ObjectHead) -> [ObjectManifest] {
        var slices: [ObjectManifest] = []
        for (index, group) in (network.target.endpoints ?? []).enumerated() {
            for family in IPAddress.Family.allCases {
                let addresses = group.addresses.filter { IPAddress($0)?.family == family }
                guard !addresses.isEmpty else { continue }
                let name = "\(head.name)-\(index + 1)-\(family.rawValue.lowercased())"
                slices.append(slice(name, family, addresses, group.ports ?? [], network, head))
            }
        }
        return slices
    }

    private static func slice(
        _ name: String,
        _ family: IPAddress.Family,
        _ addresses: [String],
        _ ports: [EndpointPort],
        _ network: NetworkSpec,
        _ head: ObjectHead
    ) -> ObjectManifest {
        // By the first label the Service finds its slices; the second keeps Kubernetes' own controllers away.
        let labels = [
            "kubernetes.io/service-name": head.name, "endpointslice.kubernetes.io/managed-by": "slipway.io",
        ]
        return ObjectManifest(
            head,
            apiVersion: "discovery.k8s.io/v1",
            kind: "EndpointSlice",
            name: name,
            labels: labels
        ) { json in
            json.member("addressType", family.rawValue)
            json.array("endpoints") { endpoints in
                for address in addresses {
                    endpoints.object { endpoint in
                        endpoint.member("addresses", array: [address])
                        endpoint.member("conditions") { $0.member("ready", true) }
                    }
                }
            }
            json.array("ports") { list in
                for port in ports {
                    let transport = network.ports.first { $0.name == port.name }?.transport ?? .tcp
                    list.object { json in
                        json.member("name", port.name)
                        json.member("port", port.port)
                        json.member("protocol", transport.rawValue)
                    }
                }
            }
        }
    }
}
