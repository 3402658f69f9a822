import Crypto
import Foundation
import Postgres
import SwiftASN1
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

    // MARK: Renewed

    /// The certificate's state, and how many days it holds.
    private func standing() throws -> String? {
        try world.text(
            """
            select state || ' ' || round(extract(epoch from not_after - now()) / 86400) from environment_object
            where kind = 'certificate'
            """
        )
    }

    /// A certificate that ends in some hours.
    private func makeExpiring() throws {
        try world.make("certificate.upload", upload(days: 0.2))
        try world.passTime()
        #expect(try standing() == "expiring 0")
    }

    @Test(arguments: ["failed", "timed_out", "canceled"])
    func `a renewal that is not done takes nothing from the certificate that serves`(end: String) throws {
        try makeExpiring()
        try world.deploy()
        try world.make("network.create", NetworkRequestTests.network("front"))
        #expect(try world.ask("certificate.upload", upload(days: 90)) == .applied)
        let command = try world.lastCommand()
        #expect(try standing() == "applying 0")
        let domain = NetworkRequestTests.domain("site", host: "ec.example.org", #","certificate":"own""#)
        #expect(try world.ask("domain.create", domain) == .applied, "the former one serves meanwhile")
        try world.end(command, as: end)
        #expect(try standing() == "expiring 0")
        try world.passTime()
        #expect(try standing() == "expiring 0")
        let isFormer = "select confidential = running_confidential from environment_object where name = 'own'"
        #expect(try world.text(isFormer) == "true")
        let moved = NetworkRequestTests.domain("site", host: "ec.example.org", path: "/new", #","certificate":"own""#)
        #expect(try world.ask("domain.update", moved) == .applied)
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try standing() == "active 90", "it was done late")
    }

    @Test func `a renewal that is applied takes the former one's place`() throws {
        try makeExpiring()
        try world.make("certificate.upload", upload(days: 90))
        #expect(try standing() == "active 90")
    }

    @Test func `a certificate that was never there fails, and serves nobody`() throws {
        try world.deploy()
        try world.make("network.create", NetworkRequestTests.network("front"))
        try world.ask("certificate.upload", upload())
        let domain = NetworkRequestTests.domain("site", host: "ec.example.org", #","certificate":"own""#)
        #expect(try world.refusal("domain.create", domain) == "certificate_not_active certificate")
        try world.end(try world.lastCommand(), as: "failed")
        #expect(try world.text("select state from environment_object where name = 'own'") == "failed")
    }
}
