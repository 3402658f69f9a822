import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Certificates that are ordered where one is already: what is said of the former one says nothing of the order.
@Suite struct CertificateRenewalTests {
    private let certificates: CertificateRequestTests
    private let world: CommandWorld

    init() throws {
        certificates = try CertificateRequestTests()
        world = certificates.world
    }

    /// What cert-manager says, where its object is the one that was applied.
    private func say(_ health: String, _ status: String, _ reason: String? = nil) throws {
        try world.connection.query(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health,
                health_reason, object, changed_at)
            values ('c1', 'shop-staging', 'Certificate', 'shop', 'cert-manager.io/v1', 'u1', 1, 1, $1, $2, $3, now())
            on conflict (cluster, namespace, kind, name) do update
                set health = excluded.health, health_reason = excluded.health_reason, object = excluded.object
            """,
            [.text(health), .optionalText(reason), .json(Array(#"{"status":\#(status)}"#.utf8))]
        )
    }

    private static func term(_ from: Double, _ to: Double, revision: Int) -> String {
        let times = (CertificateRequestTests.days(from), CertificateRequestTests.days(to))
        return #"{"notBefore":"\#(times.0)","notAfter":"\#(times.1)","revision":\#(revision)}"#
    }

    private func order() throws {
        #expect(try world.ask("certificate.request", CertificateRequestTests.order) == .applied)
    }

    private func state() throws -> String? { try world.text("select state from environment_object") }

    /// An order that was issued and is about to end.
    private func makeExpiring() throws -> String {
        let term = Self.term(-85, 5, revision: 1)
        try order()
        try world.applied(CertificateRequestTests.applied)
        try say("healthy", term)
        try world.passTime()
        try certificates.age("healthy_since", seconds: 60)
        try world.passTime()
        try world.passTime()
        #expect(try state() == "expiring")
        _ = try world.published()
        return term
    }

    @Test func `an order over a certificate says that it is to be issued anew, and so again after a hello`() throws {
        try order()
        #expect(try world.published("agent.commands.c1").last?["renew"] == nil, "a first order")
        try world.connection.script("update environment_object set state = 'failed', open_command = null")
        try world.connection.script("update command set state = 'failed' where object_id is not null")
        try order()
        let first = try #require(try world.published("agent.commands.c1").last)
        #expect(first["renew"] == "1" && first.appliedObjects == ["Certificate shop"])
        try world.connect("c1", boot: AgentStatusHandlerTests.second)
        #expect(try world.published("agent.commands.c1").last?.value == first.value)
    }

    @Test func `the former certificate is no proof of a new one, which a later revision is`() throws {
        let term = try makeExpiring()
        try order()
        #expect(try world.published("agent.commands.c1").last?["renew"] == "1")
        try world.applied(CertificateRequestTests.applied)
        #expect(try !world.passTime(), "it says what it said before the order")
        try say("progressing", term, "Issuing")
        #expect(try !world.passTime())
        try say("healthy", Self.term(0, 90, revision: 2))
        #expect(try world.passTime())
        try certificates.age("healthy_since", seconds: 60)
        try world.passTime()
        #expect(try state() == "active")
        #expect(try world.commands(on: "shop").last?.hasPrefix("certificate.request succeeded") == true)
    }

    @Test func `an order of which nothing comes ends by its time, and the former certificate goes on`() throws {
        _ = try makeExpiring()
        try order()
        try world.applied(CertificateRequestTests.applied)
        try world.end(try world.lastCommand(), as: "timed_out")
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "expiring" && status["reason.code"] != nil && status["notAfter"] != nil)
        try say("healthy", Self.term(0, 90, revision: 2))
        #expect(try world.passTime())
        #expect(try state() == "active", "it was issued all the same")
    }

    @Test(arguments: [false, true])
    func `what an order asked for is in a renewed certificate only where the cluster took it`(isTaken: Bool) throws {
        _ = try makeExpiring()
        let one = #""shop.example.org""#
        let wider = CertificateRequestTests.order.replacing(one, with: #"\#(one),"www.example.org""#)
        #expect(try world.ask("certificate.request", wider) == .applied)
        if isTaken { try world.applied(CertificateRequestTests.applied) }
        try world.end(try world.lastCommand(), as: isTaken ? "timed_out" : "failed")
        // As a recovery raises it, but not those of commands.
        try world.connection.script("update environment_object set generation = generation + 100")
        try say("healthy", Self.term(0, 90, revision: 2))
        #expect(try world.passTime())
        #expect(try state() == "active")
        let running = try world.text("select running_spec ->> 'domains' from environment_object")
        #expect(running == (isTaken ? #"["shop.example.org", "www.example.org"]"# : #"["shop.example.org"]"#))
    }

    @Test func `what failed before the order does not fail it, what fails after it does`() throws {
        try order()
        try world.applied(CertificateRequestTests.applied)
        try say("degraded", #"{"lastFailureTime":"2026-01-01T00:00:00Z"}"#, "The old failure")
        try world.passTime()
        try certificates.age("failing_since", seconds: 90)
        try world.passTime()
        #expect(try state() == "failed")
        try order()
        try world.applied(CertificateRequestTests.applied)
        #expect(try !world.passTime())
        try say("degraded", #"{"lastFailureTime":"2026-01-02T00:00:00Z"}"#, "The new failure")
        #expect(try world.passTime())
        try certificates.age("failing_since", seconds: 90)
        try world.passTime()
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "failed" && status["reason.message"]?.contains("The new failure") == true)
    }

    @Test func `a certificate that cert-manager made anew counts whatever it says`() throws {
        let term = try makeExpiring()
        try order()
        try world.applied(CertificateRequestTests.applied.replacing("u1", with: "u2"))
        try say("healthy", term)
        try world.connection.script("update resource set uid = 'u2'")
        #expect(try world.passTime())
        #expect(try world.text("select healthy_since is not null from command where state = 'applied'") == "true")
    }

    @Test func `a renewal that fails while the former certificate holds fails with cert-manager's words`() {
        typealias Said = CertificateNews.Said
        let before = Said(uid: "u", status: ["notAfter": "x", "revision": 1])
        let issuing: ObjectValue = ["type": "Issuing", "status": "False", "message": "No."]
        let after = Said(
            uid: "u",
            status: ["notAfter": "x", "revision": 1, "lastFailureTime": "t", "conditions": [issuing]]
        )
        let ready = CertificateNews.Standing(health: .healthy, reason: nil)
        #expect(CertificateNews.standing(ready, after, before: before) == .init(health: .degraded, reason: "No."))
        #expect(CertificateNews.standing(ready, after, before: after).health == .progressing)
        #expect(CertificateNews.standing(ready, after, before: nil) == ready)
    }
}
