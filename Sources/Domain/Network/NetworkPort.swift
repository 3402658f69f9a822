import WorkerRuntime

/// What runs over a port.
enum TransportProtocol: String, FieldChoice {
    case tcp = "TCP"
    case udp = "UDP"
    case sctp = "SCTP"
}

/// A port of a network.
struct NetworkPort: Codable, Sendable, Hashable {
    /// Named `tcp-80` after protocol and port where it is left out: a name that does not change when ports are added.
    var name: String?
    var port: Int
    /// The port of the pods: a number, or the name that their containers give it; `port` where it is left out.
    var targetPort: TargetPort?
    /// `TCP` where it is left out.
    var `protocol`: TransportProtocol?
    /// The port of the nodes; chosen by the cluster where it is left out.
    var nodePort: Int?

    static let nodePorts = 30_000...32_767

    init(
        name: String? = nil,
        port: Int,
        targetPort: TargetPort? = nil,
        protocol: TransportProtocol? = nil,
        nodePort: Int? = nil
    ) {
        self.name = name
        self.port = port
        self.targetPort = targetPort
        self.protocol = `protocol`
        self.nodePort = nodePort
    }

    /// The protocol, written out.
    var transport: TransportProtocol { self.protocol ?? .tcp }

    /// The port with everything written out that was left out.
    func checked(_ type: NetworkType, _ at: FieldPath) throws(Reason) -> NetworkPort {
        try Self.check(port, at["port"])
        let target = targetPort ?? .number(port)
        switch target {
        case .number(let number): try Self.check(number, at["targetPort"])
        case .name(let name):
            guard KubernetesSyntax.isPortName(name) else {
                throw at["targetPort"].wrong(
                    text: name,
                    should: "a number from 1 to 65535, or a port's name of at most 15 lower-case letters, digits and "
                        + "single hyphens with a letter among them"
                )
            }
        }
        if let name, !KubernetesSyntax.isLabel(name) {
            throw at["name"].wrong(
                text: name,
                should: "1 to 63 lower-case letters, digits and hyphens, and begin and end with a letter or digit",
                code: "invalid_name"
            )
        }
        try checkNodePort(type, at["nodePort"])
        return NetworkPort(
            name: name ?? "\(transport.rawValue.lowercased())-\(port)",
            port: port,
            targetPort: target,
            protocol: transport,
            nodePort: nodePort
        )
    }

    private func checkNodePort(_ type: NetworkType, _ at: FieldPath) throws(Reason) {
        guard let nodePort else { return }
        guard type != .clusterIP else {
            throw at.reason(
                "invalid_field",
                "is for the types NodePort and LoadBalancer only; it should be left out of a ClusterIP"
            )
        }
        guard Self.nodePorts.contains(nodePort) else {
            throw at.wrong("\(nodePort)", should: "from 30000 to 32767, or be left out so that the cluster chooses")
        }
    }

    /// Refuses a port that cannot stand beside an earlier one; both are checked.
    func checkDiffers(from earlier: NetworkPort, _ at: FieldPath) throws(Reason) {
        guard transport != earlier.transport || port != earlier.port else {
            throw at["port"].reason(
                "duplicate",
                "repeats the port \(port) of \(transport.rawValue); a port should stand once for each protocol"
            )
        }
        guard name != earlier.name else {
            throw at["name"].reason("duplicate", "repeats the name '\(name ?? "")'; each port should have its own")
        }
        if let nodePort, nodePort == earlier.nodePort, transport == earlier.transport {
            throw at["nodePort"].reason("duplicate", "repeats the node port \(nodePort); each port should have its own")
        }
    }

    static func check(_ number: Int, _ at: FieldPath) throws(Reason) {
        guard (1...65_535).contains(number) else { throw at.wrong("\(number)", should: "from 1 to 65535") }
    }
}

/// The port of a pod.
enum TargetPort: Codable, Sendable, Hashable {
    case number(Int)
    case name(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if let name = try? container.decode(String.self) {
            self = .name(name)
        } else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "It should be a whole number or the name of a port."
                )
            )
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let number): try container.encode(number)
        case .name(let name): try container.encode(name)
        }
    }
}
