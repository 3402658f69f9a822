/// Which hosts a name in a certificate stands for.
enum DomainCoverage {
    /// Whether a name covers a host: the same one, or `*.` for exactly one label.
    ///
    /// A host that is a wildcard itself is covered by the same wildcard only.
    static func covers(_ name: String, _ host: String) -> Bool {
        let (name, host) = (name.lowercased(), host.lowercased())
        if name == host { return true }
        guard name.hasPrefix("*."), let dot = host.firstIndex(of: "."), dot > host.startIndex else { return false }
        return !host.hasPrefix("*") && host[dot...] == name.dropFirst(1)
    }
}
