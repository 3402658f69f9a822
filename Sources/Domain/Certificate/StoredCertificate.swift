/// A certificate as its row holds it: the private key is kept apart, encrypted.
struct StoredCertificate: Codable, Sendable, Hashable {
    /// What the private key is called among the confidential values.
    static let keyName = "privateKey"

    let domains: [String]
    /// Who issues it, where it is requested.
    var issuer: CertificateIssuer?
    /// The certificates in PEM, where it is uploaded.
    var chain: String?

    var isUploaded: Bool { chain != nil }

    /// The order to cert-manager.
    var order: CertificateSpec { CertificateSpec(domains: domains, request: .init(issuer: issuer), upload: nil) }
}
