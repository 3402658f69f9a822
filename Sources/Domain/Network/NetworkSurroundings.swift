import WorkerRuntime

/// What a network has to get along with: the rest of its environment.
struct NetworkSurroundings: Sendable {
    /// The instances of the environment that it leads to.
    var instances: Set<String> = []
    /// The application of the project that it leads to.
    var applications: Set<String> = []
    /// The environment's other networks by name, as ``NetworkSpec/checked(_:)`` gave them; not the one itself, and only
    /// those that have one of its node ports or addresses.
    ///
    /// Of one that is being changed, or whose change failed, both: it may have either in the cluster.
    var others: [String: [NetworkSpec]] = [:]

    /// Refuses a network that leads to what is not there, or wants what another one has.
    func check(_ network: NetworkSpec, _ at: FieldPath = FieldPath()) throws(Reason) {
        try checkTarget(network.target, at["target"])
        for (name, states) in others.sorted(by: { $0.key < $1.key }) {
            for other in states {
                try checkNodePorts(network, name, other, at["ports"])
                try checkExternalIPs(network, name, other, at["externalIPs"])
            }
        }
    }

    private func checkTarget(_ target: NetworkTarget, _ at: FieldPath) throws(Reason) {
        for (index, instance) in (target.instances ?? []).enumerated() where !instances.contains(instance) {
            throw at["instances"][index].reason(
                "unknown_instance",
                "is '\(instance)', which does not exist in the environment; it should be an instance that was deployed"
            )
        }
        if let application = target.application, !applications.contains(application) {
            throw at["application"].reason(
                "unknown_application",
                "is '\(application)', which does not exist in the project; create it first"
            )
        }
    }

    /// A node port belongs to one network, whatever the protocol: so the cluster gives them out.
    private func checkNodePorts(
        _ network: NetworkSpec,
        _ name: String,
        _ other: NetworkSpec,
        _ at: FieldPath
    ) throws(Reason) {
        let taken = Set(other.ports.compactMap(\.nodePort))
        for (index, port) in network.ports.enumerated() {
            guard let nodePort = port.nodePort, taken.contains(nodePort) else { continue }
            throw at[index]["nodePort"].reason(
                "node_port_taken",
                "is \(nodePort), which the network '\(name)' has; it should be another one, or be left out"
            )
        }
    }

    /// Two networks may share an address, and a port number of it where the protocols differ.
    private func checkExternalIPs(
        _ network: NetworkSpec,
        _ name: String,
        _ other: NetworkSpec,
        _ at: FieldPath
    ) throws(Reason) {
        let taken = Set(other.externalIPs ?? [])
        for (index, address) in (network.externalIPs ?? []).enumerated() where taken.contains(address) {
            let clash = network.ports.first { port in
                other.ports.contains { $0.port == port.port && $0.transport == port.transport }
            }
            guard let clash else { continue }
            throw at[index].reason(
                "external_ip_taken",
                "is \(address), whose port \(clash.port) the network '\(name)' has; choose another address or port"
            )
        }
    }
}
