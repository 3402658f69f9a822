import Crypto
import Foundation
import Sealing
import SwiftASN1
import Testing
import WorkerRuntime
import X509

@testable import Domain

/// Makes certificates as a certification authority does.
struct TestAuthority {
    let key = P384.Signing.PrivateKey()
    let name: DistinguishedName
    /// Days since 1970.
    var from = 20_000.0
    var to = 21_000.0

    init(_ name: String) throws {
        self.name = try DistinguishedName { CommonName(name) }
    }

    func issue(
        _ subject: DistinguishedName,
        _ key: Certificate.PublicKey,
        hosts: [String] = [],
        isAuthority: Bool = false,
        from: Double? = nil,
        to: Double? = nil
    ) throws -> Certificate {
        try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: key,
            notValidBefore: Date(timeIntervalSince1970: (from ?? self.from) * 86_400),
            notValidAfter: Date(timeIntervalSince1970: (to ?? self.to) * 86_400),
            issuer: name,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA384,
            extensions: Certificate.Extensions {
                if isAuthority { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil)) }
                if !hosts.isEmpty { SubjectAlternativeNames(hosts.map { .dnsName($0) }) }
            },
            issuerPrivateKey: .init(self.key)
        )
    }

    func leaf(_ key: Certificate.PublicKey, _ hosts: [String], from: Double? = nil, to: Double? = nil) throws
        -> Certificate
    {
        try issue(try DistinguishedName { CommonName("leaf") }, key, hosts: hosts, from: from, to: to)
    }

    /// Itself, signed by another or by itself.
    func certificate(by issuer: TestAuthority? = nil, isAuthority: Bool = true, to: Double? = nil) throws -> Certificate
    {
        try (issuer ?? self).issue(name, .init(key.publicKey), isAuthority: isAuthority, to: to)
    }
}

/// Chains and keys that fit, and each way in which they do not.
@Suite struct CertificateChainTests {
    let root: TestAuthority
    let middle: TestAuthority
    let key = P256.Signing.PrivateKey()
    /// Day 20,500 since 1970.
    static let now: Int64 = 20_500 * 86_400_000_000

    init() throws {
        root = try TestAuthority("root")
        middle = try TestAuthority("middle")
    }

    private var publicKey: Certificate.PublicKey { .init(key.publicKey) }

    private func pem(_ certificates: Certificate...) throws -> String {
        try certificates.map { try $0.serializeAsPEM().pemString }.joined(separator: "\n")
    }

    private func code(
        _ pem: String,
        domains: [String] = ["shop.example.org"],
        now: Int64 = now
    ) throws -> String? {
        let reason = try refusal { try CertificateChain(pem: pem).check(domains: domains, now: now) }
        if let reason {
            expectSentence(reason)
            #expect(reason.field == "upload.chain" && reason.sentence.contains("'upload.chain'"))
        }
        return reason?.code
    }

    @Test func `a chain in order is accepted, with and without its root`() throws {
        let leaf = try middle.leaf(publicKey, ["shop.example.org", "*.shop.example.org"], to: 20_900)
        let (intermediate, top) = (try middle.certificate(by: root, to: 20_800), try root.certificate())
        #expect(try code(try pem(leaf)) == nil)
        #expect(try code(try pem(leaf, intermediate)) == nil)
        #expect(try code(try pem(leaf, intermediate, top), domains: ["shop.example.org", "a.shop.example.org"]) == nil)
        let chain = try CertificateChain(pem: try pem(leaf, intermediate, top))
        #expect(
            chain.validity == CertificateValidity(notBefore: 20_000 * 86_400_000_000, notAfter: 20_800 * 86_400_000_000)
        )
        #expect(chain.fingerprints.count == 3 && chain.fingerprints.allSatisfy { $0.count == 64 })
    }

    @Test func `the order and the signatures of a chain are checked`() throws {
        let leaf = try middle.leaf(publicKey, ["shop.example.org"])
        let (intermediate, top) = (try middle.certificate(by: root), try root.certificate())
        #expect(try code(try pem(leaf, top, intermediate)) == "chain_out_of_order")
        #expect(try code(try pem(intermediate, leaf)) == "chain_out_of_order")
        let impostor = try TestAuthority("middle")
        #expect(try code(try pem(leaf, try impostor.certificate(by: root))) == "signature_does_not_fit")
        #expect(try code(try pem(leaf, try middle.certificate(by: root, isAuthority: false))) == "invalid_certificate")
    }

    @Test func `a chain must hold now, each of its certificates`() throws {
        let leaf = try middle.leaf(publicKey, ["shop.example.org"], from: 20_400, to: 20_600)
        let text = try pem(leaf, try middle.certificate(by: root, to: 20_550))
        let day: Int64 = 86_400_000_000
        #expect(try code(text, now: 20_400 * day - 1) == "certificate_not_yet_valid")
        #expect(try code(text, now: 20_400 * day) == nil)
        #expect(try code(text, now: 20_550 * day - 1) == nil)
        #expect(try code(text, now: 20_550 * day) == "certificate_expired")
        let reason = try refusal { try CertificateChain(pem: text).check(domains: [], now: 20_700 * day) }
        #expect(
            reason?.sentence == "'upload.chain' holds a certificate (1) that ended at 2026-05-27 00:00 UTC; renew it."
        )
    }

    @Test func `a chain must cover the domains by its alternative names`() throws {
        let leaf = try pem(try middle.leaf(publicKey, ["*.example.org"]))
        #expect(try code(leaf) == nil)
        #expect(try code(leaf, domains: ["shop.example.org", "example.org"]) == "certificate_does_not_cover")
        #expect(try code(leaf, domains: ["a.shop.example.org"]) == "certificate_does_not_cover")
        #expect(try code(try pem(try middle.leaf(publicKey, []))) == "invalid_certificate")
    }

    @Test func `the hosts of a certificate are written as domains are, each once, without what no domain can be`()
        throws
    {
        let names = ["Odd.Example.org", "odd.example.org", "_acme-challenge.example.org", "*.Odd.example.org"]
        let chain = try CertificateChain(pem: try pem(try middle.leaf(publicKey, names)))
        #expect(try chain.hosts() == ["odd.example.org", "*.odd.example.org"])
        for names in [["_dmarc.example.org"], []] {
            let none = try CertificateChain(pem: try pem(try middle.leaf(publicKey, names)))
            let reason = try #require(try refusal { _ = try none.hosts() })
            expectSentence(reason)
            #expect(reason.code == "invalid_certificate" && reason.field == "upload.chain")
        }
    }

    @Test func `what is no chain is told`() throws {
        let leaf = try pem(try middle.leaf(publicKey, ["shop.example.org"]))
        #expect(try code("") == "invalid_certificate")
        #expect(try code("hello") == "invalid_certificate")
        #expect(try code(String(leaf.dropLast(40))) == "invalid_certificate")
        #expect(try code("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----") == "invalid_certificate")
        #expect(try code("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----") == "invalid_field")
        #expect(try code(leaf + "\n" + key.pemRepresentation) == "private_key_in_clear")
        #expect(try code(Array(repeating: leaf, count: 11).joined(separator: "\n")) == "invalid_field")
    }

    @Test func `the private key must be the first certificate's`() throws {
        let chain = try CertificateChain(pem: try pem(try middle.leaf(publicKey, ["shop.example.org"])))
        let cases: [(String, String?)] = [
            (key.pemRepresentation, nil),
            (P256.Signing.PrivateKey().pemRepresentation, "key_does_not_fit"),
            (middle.key.pemRepresentation, "key_does_not_fit"),
            ("hunter2", "invalid_private_key"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "invalid_private_key"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "invalid_private_key"),
        ]
        for (text, code) in cases {
            let reason = try refusal { try chain.check(privateKey: SecretBytes(utf8: text)) }
            #expect(reason?.code == code)
            guard let reason else { continue }
            expectSentence(reason)
            #expect(reason.field == "upload.privateKey" && !reason.sentence.contains("hunter2"))
        }
    }

    @Test func `what OpenSSL writes is read: RSA in the older form, and a curve before its key`() throws {
        let later: Int64 = 25_000 * 86_400_000_000
        let rsa = try CertificateChain(pem: OpenSSLFixtures.rsaCertificate)
        try rsa.check(domains: ["rsa.example.org"], now: later)
        try rsa.check(privateKey: SecretBytes(utf8: OpenSSLFixtures.rsaKey))
        let curve = try CertificateChain(pem: OpenSSLFixtures.ecCertificate)
        try curve.check(domains: ["ec.example.org", "a.ec.example.org"], now: later)
        try curve.check(privateKey: SecretBytes(utf8: OpenSSLFixtures.ecKey))
        #expect(curve.fingerprints == [OpenSSLFixtures.ecFingerprint])
        let reason = try refusal { try curve.check(privateKey: SecretBytes(utf8: OpenSSLFixtures.rsaKey)) }
        #expect(reason?.code == "key_does_not_fit")
    }
}
