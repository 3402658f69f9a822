import Crypto
import Foundation
import Sealing
import SwiftASN1
import WorkerRuntime
import X509

/// A chain of certificates as it was uploaded: parsed, in order, each signed by the next.
struct CertificateChain: Sendable {
    private static let maximumCount = 10
    private let certificates: [Certificate]
    private let leaf: Certificate
    private let field: FieldPath

    /// Of each certificate, the leaf's first: SHA-256 over its bytes, in hexadecimal.
    let fingerprints: [String]
    /// When the chain may be used: from the latest beginning to the earliest end of its certificates.
    let validity: CertificateValidity

    /// Reads a chain in PEM.
    init(pem: String, _ at: FieldPath = FieldPath("upload")["chain"]) throws(Reason) {
        field = at
        let documents = try Self.documents(pem, at)
        var certificates: [Certificate] = []
        for (index, document) in documents.enumerated() {
            guard let certificate = try? Certificate(pemDocument: document) else {
                throw at.reason("invalid_certificate", "cannot be read: its certificate \(index + 1) is damaged")
            }
            certificates.append(certificate)
        }
        guard let leaf = certificates.first else {
            throw at.reason(
                "invalid_certificate",
                "holds no certificate; it should hold one to \(Self.maximumCount) in PEM"
            )
        }
        self.certificates = certificates
        self.leaf = leaf
        fingerprints = documents.map { document in
            SHA256.hash(data: document.derBytes).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }.joined()
        }
        validity = CertificateValidity(
            notBefore: certificates.map { Self.microseconds($0.notValidBefore) }.max() ?? 0,
            notAfter: certificates.map { Self.microseconds($0.notValidAfter) }.min() ?? 0
        )
        try checkOrder()
    }

    /// Refuses a chain that is not good for the domains at a time.
    ///
    /// - Parameter now: Microseconds since 1970.
    func check(domains: [String], now: Int64) throws(Reason) {
        try checkTime(now)
        let names = Self.names(of: leaf)
        guard !names.isEmpty else { throw namesNoHost }
        for domain in domains where !names.contains(where: { DomainCoverage.covers($0, domain) }) {
            let list = names.prefix(10).joined(separator: ", ")
            throw field.reason(
                "certificate_does_not_cover",
                "is for \(list), which does not cover the domain '\(domain)'"
            )
        }
    }

    /// The hosts that it is for as domains are written: in small letters, each once.
    ///
    /// A certificate may name what no domain can be, such as `_acme-challenge.example.org`; that is left out.
    ///
    /// - Throws: A reason where nothing is left.
    func hosts() throws(Reason) -> [String] {
        var hosts: [String] = []
        for name in Self.names(of: leaf).map({ $0.lowercased() })
        where KubernetesSyntax.isHost(name) && !hosts.contains(name) { hosts.append(name) }
        guard !hosts.isEmpty else { throw namesNoHost }
        return hosts
    }

    private var namesNoHost: Reason {
        field.reason(
            "invalid_certificate",
            "names no host in its first certificate; clients need subject alternative names"
        )
    }

    /// Refuses a private key that is not the leaf's; says nothing of the key.
    func check(privateKey: SecretBytes, _ at: FieldPath = FieldPath("upload")["privateKey"]) throws(Reason) {
        let documents = privateKey.text().flatMap { try? PEMDocument.parseMultiple(pemString: $0) } ?? []
        guard let document = documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) else {
            throw at.reason("invalid_private_key", "holds no private key; it should hold one in PEM")
        }
        guard document.discriminator != "ENCRYPTED PRIVATE KEY" else {
            throw at.reason("invalid_private_key", "holds a private key under a password; take the password off first")
        }
        guard let key = try? Certificate.PrivateKey(pemDocument: document) else {
            throw at.reason(
                "invalid_private_key",
                "holds a private key that cannot be read; it should be RSA from 2048 bits, ECDSA (P-256, P-384, P-521) "
                    + "or Ed25519"
            )
        }
        guard key.publicKey == leaf.publicKey else {
            throw at.reason("key_does_not_fit", "does not belong to the first certificate of the chain")
        }
    }

    private static func documents(_ pem: String, _ at: FieldPath) throws(Reason) -> [PEMDocument] {
        guard let documents = try? PEMDocument.parseMultiple(pemString: pem) else {
            throw at.reason("invalid_certificate", "is damaged; it should be certificates in PEM")
        }
        if documents.contains(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) {
            throw at.reason(
                "private_key_in_clear",
                "holds a private key in clear; a key belongs sealed into 'privateKey', and this one should be replaced"
            )
        }
        if let other = documents.first(where: { $0.discriminator != "CERTIFICATE" }) {
            throw at.wrong("'\(other.discriminator.prefix(40))' in PEM", should: "certificates only")
        }
        guard documents.count <= maximumCount else {
            throw at.wrong("a chain of \(documents.count) certificates", should: "at most \(maximumCount)")
        }
        return documents
    }

    /// Every certificate but the last is issued and signed by the one after it.
    private func checkOrder() throws(Reason) {
        for (index, certificate) in certificates.dropLast().enumerated() {
            let issuer = certificates[index + 1]
            guard certificate.issuer == issuer.subject else {
                throw field.reason(
                    "chain_out_of_order",
                    "is out of order: its certificate \(index + 2) is not the issuer of its certificate \(index + 1)"
                )
            }
            guard case .isCertificateAuthority = try? issuer.extensions.basicConstraints else {
                throw field.reason(
                    "invalid_certificate",
                    "is not a chain: its certificate \(index + 2) may not sign others (it is no authority)"
                )
            }
            guard issuer.publicKey.isValidSignature(certificate.signature, for: certificate) else {
                throw field.reason(
                    "signature_does_not_fit",
                    "is not a chain: the key of its certificate \(index + 2) did not sign its certificate \(index + 1)"
                )
            }
        }
    }

    private func checkTime(_ now: Int64) throws(Reason) {
        for (index, certificate) in certificates.enumerated() {
            let subject = "holds a certificate (\(index + 1))"
            let (from, to) = (certificate.notValidBefore, certificate.notValidAfter)
            guard now < Self.microseconds(to) else {
                throw field.reason("certificate_expired", "\(subject) that ended at \(Self.words(to)); renew it")
            }
            guard now >= Self.microseconds(from) else {
                throw field.reason(
                    "certificate_not_yet_valid",
                    "\(subject) that begins only at \(Self.words(from)); upload it then"
                )
            }
        }
    }

    private static func names(of certificate: Certificate) -> [String] {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            if case .dnsName(let host) = name { host } else { nil }
        }
    }

    private static func microseconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970) * 1_000_000 }

    private static func words(_ date: Date) -> String { CertificateValidity.words(microseconds(date)) }
}
