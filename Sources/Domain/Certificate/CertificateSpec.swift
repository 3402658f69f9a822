import Sealing
import WorkerRuntime

/// What somebody wants a certificate to be; exactly one of `request` and `upload` is there.
struct CertificateSpec: Codable, Sendable, Hashable {
    /// Ordered through cert-manager, which renews it.
    struct Request: Codable, Sendable, Hashable {
        /// `ClusterIssuer` `letsencrypt` where it is left out.
        var issuer: CertificateIssuer?
    }

    /// Brought along.
    struct Upload: Codable, Sendable, Hashable {
        /// The certificates in PEM, the domains' own first, each signed by the next.
        var chain: String
        /// The private key in PEM, sealed to the fleet's key.
        var privateKey: String
    }

    /// What it is for; the first is its common name.
    var domains: [String]
    var request: Request?
    var upload: Upload?

    static let maximumDomains = 100
    static let longestChain = 64 * 1024

    /// The same certificate with everything written out that was left out.
    ///
    /// - Throws: The first mistake that can be seen without opening the private key.
    func checked(_ at: FieldPath = FieldPath()) throws(Reason) -> CertificateSpec {
        try Self.check(domains: domains, at["domains"])
        switch (request, upload) {
        case (let request?, nil):
            let issuer = request.issuer ?? CertificateIssuer()
            let checked = try issuer.checked(at["request"]["issuer"])
            return CertificateSpec(domains: domains, request: Request(issuer: checked), upload: nil)
        case (nil, let upload?):
            try Self.check(upload, at["upload"])
            return self
        case (nil, nil):
            throw Reason(
                code: "missing_field",
                sentence:
                    "'\(at["request"].text)' and '\(at["upload"].text)' are missing; one of them should be there.",
                field: at["request"].text
            )
        case (.some, .some):
            throw Reason(
                code: "invalid_field",
                sentence: "'\(at["request"].text)' and '\(at["upload"].text)' are both there; one should be left out.",
                field: at["upload"].text
            )
        }
    }

    /// Refuses domains that no certificate can be for.
    static func check(domains: [String], _ at: FieldPath) throws(Reason) {
        guard (1...maximumDomains).contains(domains.count) else {
            throw at.wrong("a list of \(domains.count)", should: "a list of 1 to \(maximumDomains) domains")
        }
        for (index, domain) in domains.enumerated() {
            guard KubernetesSyntax.isHost(domain) else {
                throw at[index].wrong(
                    text: domain,
                    should: "a DNS name in lower-case letters, such as shop.example.org or *.example.org"
                )
            }
            guard !domains[..<index].contains(domain) else {
                throw at[index].reason("duplicate", "repeats the domain '\(domain)'; it should stand once")
            }
        }
    }

    /// Refuses what can be seen to be wrong without reading it.
    static func check(_ upload: Upload, _ at: FieldPath) throws(Reason) {
        guard (1...longestChain).contains(upload.chain.utf8.count) else {
            throw at["chain"].wrong(
                "\(upload.chain.utf8.count) bytes long",
                should: "from 1 to \(longestChain) bytes"
            )
        }
        try SealedText.check(upload.privateKey, at["privateKey"])
    }
}

/// Who issues a certificate within the cluster.
struct CertificateIssuer: Codable, Sendable, Hashable {
    enum Kind: String, FieldChoice {
        case clusterIssuer = "ClusterIssuer"
        case issuer = "Issuer"
    }

    /// `letsencrypt` where it is left out.
    var name: String?
    /// `ClusterIssuer` where it is left out.
    var kind: Kind?

    func checked(_ at: FieldPath) throws(Reason) -> CertificateIssuer {
        let name = name ?? "letsencrypt"
        guard KubernetesSyntax.isSubdomain(name) else {
            throw at["name"].wrong(
                text: name,
                should: "the name of an issuer of the cluster: lower-case letters, digits, hyphens and dots",
                code: "invalid_name"
            )
        }
        return CertificateIssuer(name: name, kind: kind ?? .clusterIssuer)
    }
}
