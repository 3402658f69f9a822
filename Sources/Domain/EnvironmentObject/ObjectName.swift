import WorkerRuntime

/// The concepts that an environment holds besides instances.
public enum ObjectConcept: String, Sendable, Hashable, CaseIterable {
    /// How instances are reached.
    case network
    /// Host and paths that lead to networks.
    case domain
    /// TLS for domains.
    case certificate
    /// Plain configuration.
    case configMap = "config-map"
    /// Confidential configuration.
    case secret

    /// The concept in a sentence.
    var words: String { self == .configMap ? "config map" : rawValue }
}

/// The rules of the names of an environment's objects; they are the names that Kubernetes knows.
enum ObjectName {
    /// Room for what is added to a certificate's name to name its secret.
    static let longestCertificate = 253 - CertificateManifest.secretSuffix.utf8.count

    /// Refuses a name that Kubernetes would refuse.
    static func check(_ name: String, of concept: ObjectConcept, at field: FieldPath) throws(Reason) {
        switch concept {
        case .network:
            guard !KubernetesSyntax.isServiceName(name) else { return }
            throw field.wrong(
                text: name,
                should:
                    "1 to 63 lower-case letters, digits and hyphens, begin with a letter and end with a letter or digit",
                code: "invalid_name"
            )
        case .domain, .certificate, .configMap, .secret:
            let limit = concept == .certificate ? longestCertificate : 253
            guard !KubernetesSyntax.isSubdomain(name, limit: limit) else { return }
            throw field.wrong(
                text: name,
                should:
                    "1 to \(limit) lower-case letters, digits, hyphens and dots, with a letter or digit at both ends "
                    + "and on both sides of each dot",
                code: "invalid_name"
            )
        }
    }
}
