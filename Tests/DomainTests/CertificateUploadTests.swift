import Crypto
import Foundation
import Postgres
import TestSupport
import Testing
import X509

@testable import Domain
@testable import WorkerRuntime

/// Certificates that their senders bring along, one after the other.
@Suite struct CertificateUploadTests {
    let world: CommandWorld
    private let authority: TestAuthority
    private let key = P256.Signing.PrivateKey()
    /// Days since 1970.
    private let today = Date().timeIntervalSince1970 / 86_400

    init() throws {
        world = try CommandWorld.ready()
        authority = try TestAuthority("authority")
    }

    /// Members of an upload of the certificate `own`, which holds from a day ago for so many days.
    private func upload(_ hosts: [String] = ["ec.example.org"], days: Double = 90) throws -> String {
        let leaf = try authority.leaf(.init(key.publicKey), hosts, from: today - 1, to: today + days)
        let pem = try leaf.serializeAsPEM().pemString.replacing("\n", with: "\\n")
        let sealed = try CommandWorld.sealed(key.pemRepresentation, "own", "privateKey", kind: "certificate")
        return #""certificate":"own","chain":"\#(pem)","privateKey":"\#(sealed)""#
    }

    @Test func `whatever a certificate names, its status is as the schema says`() throws {
        let names = ["Odd.Example.org", "odd.example.org", "_acme-challenge.example.org"]
        #expect(try world.ask("certificate.upload", upload(names)) == .applied)
        let status = try #require(try world.published("object.status").last)
        #expect(status["domains"] == "odd.example.org")
        let file = TopicsTests.folder.appending(path: "object.status/\(status.type).schema.json")
        let faults = try JSONSchema(Data(contentsOf: file))
            .faults(of: JSONSerialization.jsonObject(with: Data(status.value)))
        #expect(faults.isEmpty, "\(faults)")
        try world.ask("certificate.delete", #""certificate":"own""#)
        try world.applied()
        #expect(try world.refusal("certificate.upload", upload(["_dmarc.example.org"])) == "invalid_certificate chain")
    }
}
