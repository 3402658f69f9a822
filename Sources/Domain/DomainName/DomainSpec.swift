import WorkerRuntime

/// What somebody wants a domain to be: a host, and which paths of it lead to which networks.
struct DomainSpec: Codable, Sendable, Hashable {
    /// A DNS name, perhaps with `*.` before it.
    var host: String
    var paths: [DomainPath]
    /// The certificate with which the host is served encrypted; plain where it is left out.
    var certificate: String?
    var annotations: [String: String]?

    static let maximumPaths = 100

    /// The same domain with everything written out; two domains are equal when these are.
    ///
    /// - Throws: The first mistake.
    func checked(_ at: FieldPath = FieldPath()) throws(Reason) -> DomainSpec {
        guard KubernetesSyntax.isHost(host) else {
            throw at["host"].wrong(
                text: host,
                should: "a DNS name in lower-case letters, such as shop.example.org or *.example.org"
            )
        }
        guard (1...Self.maximumPaths).contains(paths.count) else {
            throw at["paths"].wrong("a list of \(paths.count)", should: "a list of 1 to \(Self.maximumPaths) paths")
        }
        for (index, path) in paths.enumerated() {
            try path.check(at["paths"][index])
            guard !paths[..<index].contains(where: { $0.route == path.route }) else {
                throw at["paths"][index]["path"].reason(
                    "duplicate",
                    "repeats the path '\(path.path.prefix(80))'; each path should stand once, with or without a '/' at its end"
                )
            }
        }
        if let certificate { try ObjectName.check(certificate, of: .certificate, at: at["certificate"]) }
        try AnnotationRules.check(annotations ?? [:], at: at["annotations"])
        var checked = self
        checked.annotations = annotations ?? [:]
        return checked
    }
}

/// A path of a host and the network that answers it.
struct DomainPath: Codable, Sendable, Hashable {
    /// Requests whose path begins with it, part by part.
    var path: String
    var network: String
    /// One of the network's ports.
    var port: Int

    static let longestPath = 500

    /// What is the same for paths that match the same requests: `/a` and `/a/` do.
    var route: Substring {
        var route = path[...]
        while route.count > 1, route.hasSuffix("/") { route = route.dropLast() }
        return route
    }

    func check(_ at: FieldPath) throws(Reason) {
        guard path.hasPrefix("/"), path.utf8.count <= Self.longestPath, !path.contains(where: \.isWhitespace) else {
            throw at["path"].wrong(
                text: path,
                should: "at most \(Self.longestPath) characters without spaces that begin with '/'"
            )
        }
        for part in ["//", "/./", "/../", "%2f", "%2F"] where path.contains(part) {
            throw at["path"].reason("invalid_field", "contains '\(part)', which Kubernetes refuses in paths")
        }
        for end in ["/.", "/.."] where path.hasSuffix(end) {
            throw at["path"].reason("invalid_field", "ends in '\(end)', which Kubernetes refuses in paths")
        }
        try ObjectName.check(network, of: .network, at: at["network"])
        try NetworkPort.check(port, at["port"])
    }
}
