import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Certificates: ordered or uploaded, watched to their end.
@Suite struct CertificateRequestTests {
    let world: CommandWorld
    static let order = #""certificate":"shop","domains":["shop.example.org"]"#

    init() throws {
        world = try CommandWorld.ready()
    }

    /// What the cluster shows of cert-manager's Certificate.
    func show(
        _ health: String,
        _ reason: String? = nil,
        uid: String = "u1",
        from begin: String? = nil,
        to end: String? = nil
    ) throws {
        let times = [("notBefore", begin), ("notAfter", end)].compactMap { name, time in
            time.map { #""\#(name)":"\#($0)""# }
        }
        try world.connection.query(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health,
                health_reason, object, changed_at)
            values ('c1', 'shop-staging', 'Certificate', 'shop', 'cert-manager.io/v1', $1, 1, 1, $2, $3, $4, now())
            on conflict (cluster, namespace, kind, name) do update
                set uid = excluded.uid, health = excluded.health, health_reason = excluded.health_reason,
                    object = excluded.object
            """,
            [
                .text(uid), .text(health), .optionalText(reason),
                .json(Array(#"{"status":{\#(times.joined(separator: ","))}}"#.utf8)),
            ]
        )
    }

    static let applied = #"""
        {"apiVersion":"cert-manager.io/v1","kind":"Certificate","namespace":"shop-staging","name":"shop","uid":"u1","generation":1}
        """#

    func age(_ column: String, seconds: Int) throws {
        try world.connection.script(
            "update command set \(column) = \(column) - interval '\(seconds) seconds' where state = 'applied'"
        )
    }

    /// A time from now, as Kubernetes writes it.
    static func days(_ days: Double) -> String {
        Date(timeIntervalSinceNow: days * 86_400).formatted(.iso8601)
    }

    /// An order that was issued for 90 days, of which some are over.
    func issued(agedDays: Double = 0) throws {
        try world.ask("certificate.request", Self.order)
        try world.applied(Self.applied)
        try show("healthy", from: Self.days(-agedDays), to: Self.days(90 - agedDays))
        try world.passTime()
        try age("healthy_since", seconds: 60)
        try world.passTime()
    }

    // MARK: Orders

    @Test func `an order succeeds only when the cluster has kept the certificate ready for the settling time`() throws {
        #expect(try world.ask("certificate.request", Self.order) == .applied)
        var messages = try world.published()
        #expect(messages[0].appliedObjects == ["Certificate shop"])
        #expect(messages[3]["state"] == "applying" && messages[3]["way"] == "request")
        try world.applied(Self.applied)
        #expect(try world.published().map(\.name) == ["applied"])
        #expect(try !world.passTime(), "nothing is known of it")
        try show("progressing", "Issuing")
        #expect(try !world.passTime())
        let (begin, end) = (Self.days(0), Self.days(90))
        try show("healthy", from: begin, to: end)
        #expect(try world.passTime())
        #expect(try !world.passTime(), "the settling time is not over")
        try age("healthy_since", seconds: 20)
        #expect(try world.passTime())
        messages = try world.published()
        #expect(messages.map(\.name) == ["succeeded", "status"])
        #expect(messages[1]["state"] == "active")
        #expect(messages[1]["notAfter"]?.prefix(19) == end.prefix(19))
        #expect(try world.object("certificate", "shop") == "active 1 2")
    }

    @Test func `the readiness of an older object of the same name counts for nothing`() throws {
        try world.ask("certificate.request", Self.order)
        try show("healthy", uid: "older", from: Self.days(-1), to: Self.days(89))
        try world.applied(Self.applied)
        #expect(try !world.passTime())
        try show("healthy")
        #expect(try !world.passTime(), "ready, but nothing says until when")
    }

    @Test func `what was ready and is not any more begins anew`() throws {
        try world.ask("certificate.request", Self.order)
        try world.applied(Self.applied)
        try show("healthy", from: Self.days(0), to: Self.days(90))
        #expect(try world.passTime())
        try show("progressing")
        #expect(try world.passTime())
        #expect(try world.text("select healthy_since from command where object_id is not null") == nil)
    }

    @Test func `an order fails when the cluster keeps saying that it failed, with its words`() throws {
        try world.ask("certificate.request", Self.order)
        try world.applied(Self.applied)
        try show("degraded", "The ACME order is invalid")
        #expect(try world.passTime())
        try age("failing_since", seconds: 90)
        #expect(try world.passTime())
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "failed" && status["reason.code"] == "degraded")
        #expect(status["reason.message"]?.contains("The ACME order is invalid") == true)
        #expect(try world.ask("certificate.request", Self.order) == .applied, "it may be ordered anew")
    }

    @Test func `an order that takes too long says what the cluster says, and is noted when it is issued all the same`()
        throws
    {
        try world.ask("certificate.request", Self.order)
        try world.applied(Self.applied)
        try show("progressing", "Waiting for DNS")
        try world.connection.script(
            "update command set step_deadline = now() - interval '1 second' where state = 'applied'"
        )
        _ = try world.published()
        try world.passTime()
        let messages = try world.published()
        #expect(messages.map(\.name) == ["timed_out", "status", "withdrawn"])
        #expect(messages[0]["reason.message"]?.contains("Waiting for DNS") == true)
        try show("healthy", from: Self.days(0), to: Self.days(90))
        #expect(try world.passTime())
        #expect(try world.published("object.status").last?["state"] == "active")
    }

    @Test func `time leads from active to expiring to expired, each published; a renewal leads back`() throws {
        try issued()
        _ = try world.published()
        #expect(try !world.passTime())
        try show("healthy", from: Self.days(-70), to: Self.days(20))
        #expect(try world.passTime())
        #expect(try world.published("object.status").map { $0["state"] } == ["expiring"])
        #expect(try !world.passTime())
        try show("healthy", from: Self.days(-90), to: Self.days(-0.001))
        #expect(try world.passTime())
        #expect(try world.published("object.status").map { $0["state"] } == ["expired"])
        try show("healthy", from: Self.days(0), to: Self.days(90))
        #expect(try world.passTime())
        #expect(try world.published("object.status").map { $0["state"] } == ["active"])
        #expect(try !world.passTime())
        #expect(try world.published().isEmpty)
    }

    @Test func `operators say how many days ahead the warning begins`() throws {
        try issued(agedDays: 80)
        let keeper = world.timekeeper(certificateDays: 5)
        try world.connection.script("update environment_object set state = 'active'")
        #expect(try !keeper.round(on: world.connection))
        #expect(try world.passTime())
        #expect(try world.text("select state from environment_object") == "expiring")
    }

    @Test func `a certificate that is good is not ordered again, one that is expiring is`() throws {
        try issued()
        #expect(try world.refusal("certificate.request", Self.order) == "already_exists certificate")
        try world.connection.script("update environment_object set state = 'expiring'")
        #expect(try world.ask("certificate.request", Self.order) == .applied)
        #expect(try world.object("certificate", "shop")?.hasPrefix("applying 2 ") == true)
    }

    @Test
    func `a deletion takes the order and the secret that cert-manager made, and takes the place of an open order`()
        throws
    {
        try world.ask("certificate.request", Self.order)
        #expect(try world.ask("certificate.delete", #""certificate":"shop""#) == .applied)
        #expect(try world.published("agent.commands.c1").last?.removed == ["Certificate shop", "Secret shop-tls"])
        try world.applied()
        #expect(try world.object("certificate", "shop") == "deleted 2 3")
        #expect(try world.published("object.status").last?.name == "tombstone")
    }

    @Test func `a deletion that fails leaves the certificate as what it is`() throws {
        try issued()
        try world.ask("certificate.delete", #""certificate":"shop""#)
        try world.report("failed", of: try world.lastCommand(), #""code":"forbidden","message":"No.""#)
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "active" && status["reason.code"] == "forbidden")
    }

    @Test(arguments: [
        (#""certificate":"Shop","domains":["a.example.org"]"#, "invalid_name certificate"),
        (#""certificate":"shop","domains":[]"#, "invalid_field domains"),
        (#""certificate":"shop","domains":["a b"]"#, "invalid_field domains[0]"),
        (#""certificate":"shop","domains":["a.b","a.b"]"#, "duplicate domains[1]"),
        (#""certificate":"shop","domains":["a.b"],"issuer":{"name":"X"}"#, "invalid_name issuer.name"),
    ])
    func `an order that nobody can fill is refused`(members: String, refusal: String) throws {
        #expect(try world.refusal("certificate.request", members) == refusal)
    }

    // MARK: Uploads

    private func upload(
        _ name: String = "own",
        chain: String = OpenSSLFixtures.ecCertificate,
        key: String = OpenSSLFixtures.ecKey,
        more: String = ""
    ) throws -> String {
        let sealed = try CommandWorld.sealed(key, name, "privateKey", kind: "certificate")
        let pem = chain.replacing("\n", with: "\\n")
        return #""certificate":"\#(name)","chain":"\#(pem)","privateKey":"\#(sealed)"\#(more)"#
    }

    @Test func `an upload becomes a TLS secret, sealed for its cluster, and is active when it is applied`() throws {
        #expect(try world.ask("certificate.upload", upload()) == .applied)
        let messages = try world.published()
        #expect(messages[0].appliedObjects.isEmpty)
        let secret = try #require((messages[0].json["secrets"] as? [[String: Any]])?.first)
        #expect(secret["name"] as? String == "own-tls" && secret["type"] as? String == "kubernetes.io/tls")
        let values = messages[0].sealedValues
        #expect(try world.opened(values["tls.key"], secret: "own-tls", key: "tls.key") == OpenSSLFixtures.ecKey)
        #expect(try world.opened(values["tls.crt"], secret: "own-tls", key: "tls.crt") == OpenSSLFixtures.ecCertificate)
        #expect(messages[3]["domains"] == "ec.example.org *.ec.example.org" && messages[3]["way"] == "upload")
        try world.applied()
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "active" && status["notAfter"]?.hasPrefix("2126-11-01") == true)
        #expect(try !world.passTime())
        try world.ask("certificate.delete", #""certificate":"own""#)
        #expect(try world.published("agent.commands.c1").last?.removed == ["Secret own-tls"])
    }

    @Test func `an upload whose parts do not belong together is refused without a word of the key`() throws {
        let cases: [(String, String)] = [
            (try upload(key: OpenSSLFixtures.rsaKey), "key_does_not_fit privateKey"),
            (try upload(key: "hunter2"), "invalid_private_key privateKey"),
            (try upload(chain: "hello"), "invalid_certificate chain"),
            (try upload(more: #","domains":["other.example.org"]"#), "certificate_does_not_cover chain"),
            (#""certificate":"own","chain":"x","privateKey":"hunter2""#, "not_sealed privateKey"),
            (try upload(chain: OpenSSLFixtures.ecKey), "private_key_in_clear chain"),
        ]
        for (members, refusal) in cases { #expect(try world.refusal("certificate.upload", members) == refusal) }
        let answers = try world.published().map { String(decoding: $0.value, as: UTF8.self) }.joined()
        #expect(!answers.contains("hunter2") && !answers.contains("MHcC"))
        #expect(try world.text("select count(*) from environment_object") == "0")
    }

    // MARK: Domains that are served with them

    private func serve(_ host: String, with certificate: String) -> String {
        NetworkRequestTests.domain("site", host: host, #","certificate":"\#(certificate)""#)
    }

    @Test func `a domain is served with an active certificate that covers its host, which then cannot go`() throws {
        try world.deploy()
        try world.make("network.create", NetworkRequestTests.network("front"))
        try world.ask("certificate.upload", upload())
        #expect(
            try world.refusal("domain.create", serve("ec.example.org", with: "own"))
                == "certificate_not_active certificate"
        )
        try world.applied()
        #expect(
            try world.refusal("domain.create", serve("www.example.org", with: "own"))
                == "certificate_does_not_cover certificate"
        )
        try world.make("domain.create", serve("www.ec.example.org", with: "own"))
        guard case .rejected(let reason) = try world.ask("certificate.delete", #""certificate":"own""#) else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "certificate_in_use" && reason.sentence.contains("the domain 'site'"))
        try world.connection.script("update environment_object set state = 'expired' where kind = 'certificate'")
        let other = try upload(more: #","domains":["ec.example.org"]"#)
        #expect(try world.refusal("certificate.upload", other) == "certificate_does_not_cover domains")
        #expect(try world.ask("certificate.upload", upload()) == .applied)
        #expect(try world.ask("certificate.delete", #""certificate":"own","force":true"#) == .applied)
    }
}
