import WorkerRuntime

/// Hosts outside the cluster that answer a network's ports at the same port numbers.
struct NetworkEndpoints: Codable, Sendable, Hashable {
    var addresses: [String]
    /// At which of their ports the hosts answer; where it is left out, at each port's `targetPort`.
    var ports: [EndpointPort]?

    /// As many as Kubernetes' own controller puts in one slice.
    static let maximumAddresses = 100
    static let maximumGroups = 20

    /// The groups with every port written out.
    static func checked(
        _ groups: [NetworkEndpoints],
        for ports: [NetworkPort],
        _ at: FieldPath
    ) throws(Reason) -> [NetworkEndpoints] {
        guard (1...maximumGroups).contains(groups.count) else {
            throw at.wrong("a list of \(groups.count)", should: "a list of 1 to \(maximumGroups) groups of addresses")
        }
        var checked: [NetworkEndpoints] = []
        for (index, group) in groups.enumerated() { checked.append(try group.checked(for: ports, at[index])) }
        return checked
    }

    private func checked(for ports: [NetworkPort], _ at: FieldPath) throws(Reason) -> NetworkEndpoints {
        guard (1...Self.maximumAddresses).contains(addresses.count) else {
            throw at["addresses"].wrong(
                "a list of \(addresses.count)",
                should: "a list of 1 to \(Self.maximumAddresses) addresses"
            )
        }
        return NetworkEndpoints(
            addresses: try NetworkSpec.addresses(addresses, at["addresses"]).map(\.text),
            ports: try checkedPorts(ports, at["ports"])
        )
    }

    private func checkedPorts(_ known: [NetworkPort], _ at: FieldPath) throws(Reason) -> [EndpointPort] {
        guard let ports else { return try Self.targets(of: known, at) }
        guard !ports.isEmpty else { throw at.wrong("empty", should: "at least one port, or be left out") }
        var checked: [EndpointPort] = []
        for (index, port) in ports.enumerated() {
            let port = try port.checked(for: known, at[index])
            guard !checked.contains(where: { $0.name == port.name }) else {
                throw at[index].reason("duplicate", "repeats the port '\(port.name ?? "")'; it should stand once")
            }
            checked.append(port)
        }
        return checked
    }

    private static func targets(of known: [NetworkPort], _ at: FieldPath) throws(Reason) -> [EndpointPort] {
        var ports: [EndpointPort] = []
        for port in known {
            guard case .number(let number) = port.targetPort else {
                throw at.reason(
                    "missing_field",
                    "is missing, and the port '\(port.name ?? "")' leads to a name, which only pods have; "
                        + "it should give the hosts' port number"
                )
            }
            ports.append(EndpointPort(name: port.name, port: number))
        }
        return ports
    }
}

/// At which port a host outside the cluster answers one of the network's ports.
struct EndpointPort: Codable, Sendable, Hashable {
    /// The name of the network's port; may be left out where the network has one port only.
    var name: String?
    /// The host's port.
    var port: Int

    func checked(for known: [NetworkPort], _ at: FieldPath) throws(Reason) -> EndpointPort {
        try NetworkPort.check(port, at["port"])
        guard let name = name ?? (known.count == 1 ? known[0].name : nil) else {
            throw at["name"].reason(
                "missing_field",
                "is missing; it should be the name of one of the network's \(known.count) ports"
            )
        }
        guard known.contains(where: { $0.name == name }) else {
            let names = known.compactMap(\.name).prefix(10).joined(separator: ", ")
            throw at["name"].wrong(text: name, should: "the name of one of the network's ports (\(names))")
        }
        return EndpointPort(name: name, port: port)
    }
}
