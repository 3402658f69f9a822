import WorkerRuntime

/// What somebody wants a secret to be; its values are sealed to the fleet's key.
struct SecretSpec: Codable, Sendable, Hashable {
    /// For people; the cluster does not see it.
    var description: String?
    /// Kubernetes' type of the Secret; `Opaque` where it is left out.
    var type: String?
    /// The sealed values.
    var data: [String: String]

    static let opaque = "Opaque"

    /// The keys that Kubernetes demands of its own types; of `anyOf`, one is enough.
    private static let demanded: [String: (allOf: [String], anyOf: [String])] = [
        "kubernetes.io/tls": (["tls.crt", "tls.key"], []),
        "kubernetes.io/basic-auth": ([], ["username", "password"]),
        "kubernetes.io/ssh-auth": (["ssh-privatekey"], []),
        "kubernetes.io/dockerconfigjson": ([".dockerconfigjson"], []),
        "kubernetes.io/dockercfg": ([".dockercfg"], []),
    ]

    /// The same secret with everything written out that was left out.
    ///
    /// - Throws: The first mistake that can be seen without opening the values.
    func checked(_ at: FieldPath = FieldPath()) throws(Reason) -> SecretSpec {
        try DataKeys.checkDescription(description, at["description"])
        let type = type ?? Self.opaque
        try Self.checkType(type, at["type"])
        try DataKeys.check(data, at["data"])
        for (key, value) in data.sorted(by: { $0.key < $1.key }) { try SealedText.check(value, at["data"][key]) }
        try Self.checkDemanded(type, Set(data.keys), at["data"])
        return SecretSpec(description: description, type: type, data: data)
    }

    private static func checkType(_ type: String, _ at: FieldPath) throws(Reason) {
        guard type != "kubernetes.io/service-account-token" else {
            throw at.wrong(text: type, should: "another type: the tokens of service accounts are made by the cluster")
        }
        guard KubernetesSyntax.isQualifiedName(type) else {
            throw at.wrong(text: type, should: "a type of Kubernetes, such as Opaque or kubernetes.io/dockerconfigjson")
        }
    }

    /// Refuses a secret that lacks what Kubernetes demands of its type.
    static func checkDemanded(_ type: String, _ keys: Set<String>, _ at: FieldPath) throws(Reason) {
        guard let demanded = demanded[type] else { return }
        for key in demanded.allOf where !keys.contains(key) {
            throw at.reason("missing_key", "lacks the key '\(key)', which the type \(type) demands")
        }
        guard demanded.anyOf.isEmpty || demanded.anyOf.contains(where: keys.contains) else {
            let keys = demanded.anyOf.map { "'\($0)'" }.joined(separator: " or ")
            throw at.reason("missing_key", "lacks the key \(keys), of which the type \(type) demands one")
        }
    }
}
