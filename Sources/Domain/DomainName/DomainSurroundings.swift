import WorkerRuntime

/// What a domain has to get along with: the rest of its environment.
struct DomainSurroundings: Sendable {
    /// A certificate of the environment.
    struct Certificate: Sendable {
        /// What it is for; of one whose renewal is on its way or has failed, also what the former one is for.
        let domains: [[String]]
        let state: CertificateState
    }

    /// The environment's networks that it leads to, by name, as ``NetworkSpec/checked(_:)`` gave them.
    var networks: [String: NetworkSpec] = [:]
    /// The environment's other domains of its host, by name; not the one itself.
    ///
    /// Of one that is being changed, or whose change failed, both: it may have either in the cluster.
    var others: [String: [DomainSpec]] = [:]
    /// The environment's certificate that it is served with, by name.
    var certificates: [String: Certificate] = [:]

    /// Refuses a domain that leads to what is not there, wants what another one has, or has no fitting certificate.
    func check(_ domain: DomainSpec, _ at: FieldPath = FieldPath()) throws(Reason) {
        for (index, path) in domain.paths.enumerated() {
            try checkNetwork(path, at["paths"][index])
            try checkFree(path, domain.host, at["paths"][index])
        }
        if let name = domain.certificate { try checkCertificate(name, domain.host, at["certificate"]) }
    }

    private func checkNetwork(_ path: DomainPath, _ at: FieldPath) throws(Reason) {
        guard let network = networks[path.network] else {
            throw at["network"].reason(
                "unknown_network",
                "is '\(path.network)', which does not exist in the environment; create it first"
            )
        }
        // Other protocols than TCP do not carry HTTP.
        let ports = network.ports.filter { $0.transport == .tcp }.map(\.port)
        guard !ports.contains(path.port) else { return }
        let wanted = ports.prefix(10).map(String.init).joined(separator: ", ")
        throw at["port"].wrong(
            "\(path.port)",
            should: ports.isEmpty
                ? "a TCP port of the network '\(path.network)', which has none"
                : "a TCP port of the network '\(path.network)' (\(wanted))",
            code: "unknown_port"
        )
    }

    /// One path that is taken is enough: the cluster would choose by the age of the objects.
    private func checkFree(_ path: DomainPath, _ host: String, _ at: FieldPath) throws(Reason) {
        let taken = others.sorted { $0.key < $1.key }.first { _, states in
            states.contains { $0.host == host && $0.paths.contains { $0.route == path.route } }
        }
        guard let taken else { return }
        throw at["path"].reason(
            "path_taken",
            "is '\(path.path.prefix(80))', which the domain '\(taken.key)' has for the host '\(host)'; choose another path"
        )
    }

    private func checkCertificate(_ name: String, _ host: String, _ at: FieldPath) throws(Reason) {
        guard let certificate = certificates[name] else {
            throw at.reason(
                "unknown_certificate",
                "is '\(name)', which does not exist in the environment; create it first"
            )
        }
        guard certificate.state.isUsable else {
            throw at.reason(
                "certificate_not_active",
                "is '\(name)', which is \(certificate.state.rawValue); it should be active"
            )
        }
        for names in certificate.domains where !names.contains(where: { DomainCoverage.covers($0, host) }) {
            let domains = names.prefix(10).joined(separator: ", ")
            throw at.reason(
                "certificate_does_not_cover",
                "is '\(name)', which is for \(domains); it should cover '\(host)'"
            )
        }
    }
}
