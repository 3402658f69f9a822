import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// Certificates that are ordered once more.
@Suite(.timeLimit(.minutes(1)))
struct CertificateRenewalTests {
    private static let group = "/apis/cert-manager.io/v1"
    private static let path = "\(group)/namespaces/shop/certificates/shop"

    private static func certificate(generation: Int64, isIssuing: Bool) -> ObjectValue {
        var certificate = ObjectValue.named("shop", kind: "Certificate", "cert-manager.io/v1")
        certificate["metadata"] = [
            "name": "shop", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": .int(generation),
        ]
        let issuing: ObjectValue = ["type": "Issuing", "status": isIssuing ? "True" : "False", "reason": "Failed"]
        certificate["status"] = ["conditions": [["type": "Ready", "status": "True"], issuing]]
        return certificate
    }

    /// The generation before and after it is applied, whether it is being issued, what the command says, and whether the
    /// agent has it issued.
    static let orders: [(Int64?, Int64, Bool, Bool?, Bool)] = [
        (3, 3, false, true, true), (3, 3, false, nil, false), (3, 3, false, false, false), (3, 4, false, true, false),
        (nil, 1, false, true, false), (3, 3, true, true, false),
    ]

    @Test(arguments: orders)
    func `a certificate that is as it was is issued anew where that is asked for`(
        before: Int64?,
        after: Int64,
        isIssuing: Bool,
        renew: Bool?,
        isRenewed: Bool
    ) async throws {
        func text(_ generation: Int64) -> String {
            String(decoding: Self.certificate(generation: generation, isIssuing: isIssuing).json, as: UTF8.self)
        }
        let (old, new) = (before.map(text), text(after))
        let server = try await ObjectServer(groups: [Self.group: [("certificates", "Certificate")]]) { request in
            guard request.path == Self.path else { return nil }
            guard request.method == "GET" else { return (200, new) }
            guard let old else { return (404, "{}") }
            return (200, old)
        }
        let wanted = ObjectValue.named("shop", kind: "Certificate", "cert-manager.io/v1")
        let request = ObjectsRequested.of("certificate", "shop", [wanted], renew: renew)
        #expect(try await server.finish([.objects(request)]) == [nil])
        let patches = server.double.asked.filter { $0.method == "PATCH" && $0.path == "\(Self.path)/status" }
        #expect(patches.count == (isRenewed ? 1 : 0))
        guard let body = patches.first?.body else { return }
        let sent = try ObjectValue(answer: body)
        #expect(sent.path("metadata", "resourceVersion") == "7")
        let conditions = sent.path("status", "conditions")?.elements ?? []
        #expect(conditions.map { $0["type"]?.string } == ["Ready", "Issuing"])
        #expect(conditions.last?["status"] == "True" && conditions.last?["reason"] == "ManuallyTriggered")
    }

    @Test func `what is only put back is not issued anew`() {
        var request = ObjectsRequested.of("certificate", "shop", renew: true)
        #expect(request.isRenewal)
        request.repair = true
        #expect(!request.isRenewal)
    }

    @Test func `a simulated cluster issues a certificate anew`() throws {
        var world = ClusterWorld()
        world.makeNamespace()
        func order(_ generation: Int64, renew: Bool?) -> ClusterWork {
            var request = ObjectsRequested.of(
                "certificate",
                "shop",
                [.named("shop", kind: "Certificate", "cert-manager.io/v1")],
                generation: generation,
                renew: renew
            )
            request.namespace = "shop-staging"
            return .objects(request)
        }
        #expect(world.finish(order(1, renew: nil)) == .some(nil))
        world.pass(seconds: 10)
        let first = try #require(world.all("Certificate").first?.status?["notBefore"]?.string)
        #expect(world.finish(order(2, renew: true)) == .some(nil))
        #expect(world.all("Certificate").first?.condition("Issuing")?["reason"] == "ManuallyTriggered")
        world.pass(seconds: 10)
        let second = try #require(world.all("Certificate").first)
        #expect(second.condition("Issuing") == nil && second.status?["notBefore"]?.string != first)
    }
}
