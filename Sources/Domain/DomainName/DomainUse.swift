import WorkerRuntime

/// What the domains of an environment need of one of its networks or certificates.
struct DomainUse: Sendable {
    /// Those of the environment's domains that need it, by name.
    ///
    /// Of one that is being changed, or whose change failed, both: it may have either in the cluster.
    var domains: [String: [DomainSpec]]

    /// Refuses the deletion of a network that domains lead to.
    func checkUnused(network: String) throws(Reason) {
        let users = users { domain in domain.paths.contains { $0.network == network } }
        guard !users.isEmpty else { return }
        throw Reason(
            code: "network_in_use",
            sentence: "The network '\(network)' is used by \(Self.words(users)); change or delete that first.",
            field: "network"
        )
    }

    /// Refuses the deletion of a certificate that domains are served with.
    func checkUnused(certificate: String) throws(Reason) {
        let users = users { $0.certificate == certificate }
        guard !users.isEmpty else { return }
        throw Reason(
            code: "certificate_in_use",
            sentence: "The certificate '\(certificate)' is used by \(Self.words(users)); change or delete that first.",
            field: "certificate"
        )
    }

    /// Refuses a change of a network that takes away a port which domains lead to.
    func checkKeepsPorts(_ changed: NetworkSpec, of network: String, _ at: FieldPath = FieldPath()) throws(Reason) {
        let ports = Set(changed.ports.filter { $0.transport == .tcp }.map(\.port))
        for (name, states) in domains.sorted(by: { $0.key < $1.key }) {
            for path in states.flatMap(\.paths) where path.network == network && !ports.contains(path.port) {
                throw at["ports"].reason(
                    "port_in_use",
                    "lacks the TCP port \(path.port), which the domain '\(name)' leads to; keep it, or change the domain first"
                )
            }
        }
    }

    /// Refuses a certificate made anew that does not cover a host that is served with it.
    func checkCovers(_ names: [String], certificate: String, _ at: FieldPath) throws(Reason) {
        for (name, states) in domains.sorted(by: { $0.key < $1.key }) {
            for domain in states where domain.certificate == certificate {
                guard names.contains(where: { DomainCoverage.covers($0, domain.host) }) else {
                    throw at.reason(
                        "certificate_does_not_cover",
                        "lacks '\(domain.host)', which the domain '\(name)' serves with it; add it, or change the domain first"
                    )
                }
            }
        }
    }

    private func users(_ uses: (DomainSpec) -> Bool) -> [String] {
        domains.filter { $0.value.contains(where: uses) }.keys.sorted()
    }

    private static func words(_ users: [String]) -> String {
        let list = users.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        let rest = users.count > 10 ? " and \(users.count - 10) more" : ""
        return (users.count == 1 ? "the domain " : "the domains ") + list + rest
    }
}
