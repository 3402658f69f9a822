import WorkerRuntime

/// How a network can be reached.
enum NetworkType: String, FieldChoice {
    /// Inside the cluster, and from outside through addresses that lead to its nodes.
    case clusterIP = "ClusterIP"
    /// At a port of every node.
    case nodePort = "NodePort"
    /// Through a load balancer that the cluster orders.
    case loadBalancer = "LoadBalancer"
}

/// What somebody wants a network to be.
struct NetworkSpec: Codable, Sendable, Hashable {
    /// `ClusterIP` where it is left out.
    var type: NetworkType?
    var target: NetworkTarget
    var ports: [NetworkPort]
    /// Addresses from outside whose traffic reaches the nodes; for `ClusterIP` only.
    var externalIPs: [String]?
    var annotations: [String: String]?

    static let maximumPorts = 100
    static let maximumExternalIPs = 64

    /// The same network with everything written out that was left out; two networks are equal when these are.
    ///
    /// - Throws: The first mistake.
    func checked(_ at: FieldPath = FieldPath()) throws(Reason) -> NetworkSpec {
        let type = type ?? .clusterIP
        let ports = try checkedPorts(type, at["ports"])
        try AnnotationRules.check(annotations ?? [:], at: at["annotations"])
        return NetworkSpec(
            type: type,
            target: try target.checked(for: ports, at["target"]),
            ports: ports,
            externalIPs: try checkedAddresses(type, at["externalIPs"]),
            annotations: annotations ?? [:]
        )
    }

    private func checkedPorts(_ type: NetworkType, _ at: FieldPath) throws(Reason) -> [NetworkPort] {
        guard (1...Self.maximumPorts).contains(ports.count) else {
            throw at.wrong("a list of \(ports.count)", should: "a list of 1 to \(Self.maximumPorts) ports")
        }
        var checked: [NetworkPort] = []
        for (index, port) in ports.enumerated() {
            let port = try port.checked(type, at[index])
            for earlier in checked { try port.checkDiffers(from: earlier, at[index]) }
            checked.append(port)
        }
        return checked
    }

    private func checkedAddresses(_ type: NetworkType, _ at: FieldPath) throws(Reason) -> [String] {
        let texts = externalIPs ?? []
        guard texts.isEmpty || type == .clusterIP else {
            throw at.reason(
                "invalid_field",
                "is for the type ClusterIP only; it should be left out of a \(type.rawValue)"
            )
        }
        guard texts.count <= Self.maximumExternalIPs else {
            throw at.wrong("a list of \(texts.count)", should: "at most \(Self.maximumExternalIPs) addresses")
        }
        return try Self.addresses(texts, at).map(\.text)
    }

    /// Reads addresses that pods can be reached at, each once.
    static func addresses(_ texts: [String], _ at: FieldPath) throws(Reason) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for (index, text) in texts.enumerated() {
            guard let address = IPAddress(text) else {
                throw at[index].wrong(text: text, should: "an IPv4 or IPv6 address, such as 192.0.2.10 or 2001:db8::10")
            }
            if let fault = address.fault {
                throw at[index].wrong("'\(text)', \(fault)", should: "an address that other hosts can reach")
            }
            guard !addresses.contains(address) else {
                throw at[index].reason("duplicate", "repeats the address \(address.text); it should stand once")
            }
            addresses.append(address)
        }
        return addresses
    }
}
