import JSON
import Testing
import WorkerRuntime

@testable import Domain

private let second: Int64 = 1_000_000
private let made: Int64 = 1_795_420_800 * second  // 2026-11-23T08:00:00Z

private func own(_ kind: String, _ apiVersion: String, _ json: String, age: Int64? = nil) throws -> HealthAssessment {
    try JSONParser().withDocument(Array(json.utf8)) {
        OwnHealth.assess(KubernetesObject($0), kind: kind, apiVersion: apiVersion, age: age)
    }
}

/// What Slipway judges otherwise than Argo CD.
@Suite struct HealthOwnTests {
    @Test func `a failed pod says why`() throws {
        let json =
            #"{"status":{"phase":"Failed","containerStatuses":[{"name":"web","state":{"terminated":{"exitCode":2}}}]}}"#
        let why = "The container web ended with exit code 2"
        #expect(try own("Pod", "v1", json) == HealthAssessment(.degraded, why))
        #expect(try own("Pod", "metrics.k8s.io/v1", json).health == .healthy)
    }

    @Test(arguments: [
        ("runs", #"{"status":{"startTime":"2026-11-23T08:00:00Z"}}"#, Health.progressing),
        (
            "goes on after a pause",
            #"{"status":{"startTime":"2026-11-23T08:00:00Z","conditions":[{"type":"Suspended","status":"False"}]}}"#,
            .progressing
        ),
        ("complete", object(conditions: "Suspended=False", "Complete=True"), .healthy),
        ("failed", object(conditions: "Failed=True"), .degraded),
        (
            "paused", #"{"spec":{"suspend":true},"# + object(conditions: "Suspended=True").dropFirst(),
            .suspended
        ),
    ])
    func `a job is done when it has ended, not while it runs`(
        _ what: String,
        _ json: String,
        _ health: Health
    ) throws {
        #expect(try own("Job", "batch/v1", json).health == health)
    }

    private static let balancer = #"{"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1"}}"#

    static let waiting = [
        ("Ingress", "networking.k8s.io/v1", "{}"),
        ("Ingress", "extensions/v1beta1", #"{"status":{"loadBalancer":{}}}"#),
        ("Service", "v1", balancer),
    ]

    @Test(arguments: waiting)
    func `an address that does not come is degraded after five minutes`(
        _ kind: String,
        _ apiVersion: String,
        _ json: String
    ) throws {
        #expect(AddressWait.patience == 300 * second)
        for age in [nil, -1, 0, 300 * second - 1] as [Int64?] {
            #expect(try own(kind, apiVersion, json, age: age).health == .progressing)
        }
        let late = try own(kind, apiVersion, json, age: 300 * second)
        #expect(late.health == .degraded)
        #expect(late.reason?.contains("no address after 300 s") == true)
    }

    @Test(arguments: [
        ("Ingress", "networking.k8s.io/v1", #"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#),
        ("Ingress", "networking.internal.knative.dev/v1", "{}"), ("Service", "v1", "{}"),
        ("Service", "v1", #"{"spec":{"type":"NodePort"}}"#), ("ConfigMap", "v1", "{}"),
        ("Deployment", "apps/v1", #"{"spec":{"replicas":0}}"#),
    ])
    func `what waits for no address never fails for it`(_ kind: String, _ apiVersion: String, _ json: String) throws {
        #expect(try own(kind, apiVersion, json, age: .max).health == .healthy)
    }

    @Test(arguments: ["Ingress", "Service"])
    func `an object that is being deleted waits for no address`(_ kind: String) throws {
        let json = #"{"metadata":{"deletionTimestamp":"2026-11-23T08:00:00Z"},"spec":{"type":"LoadBalancer"}}"#
        let apiVersion = kind == "Ingress" ? "networking.k8s.io/v1" : "v1"
        #expect(try own(kind, apiVersion, json, age: .max) == HealthAssessment(.progressing, "Pending deletion"))
    }

    @Test func `the age follows from when the object was made`() throws {
        func age(_ json: String) throws -> Int64? {
            try JSONParser().withDocument(Array(json.utf8)) { KubernetesObject($0).age(at: made + 7) }
        }
        #expect(try age(#"{"metadata":{"creationTimestamp":"2026-11-23T08:00:00Z"}}"#) == 7)
        #expect(try age(#"{"metadata":{"creationTimestamp":null}}"#) == nil)
        #expect(try age(#"{"metadata":{"creationTimestamp":"yesterday"}}"#) == nil)
        #expect(try age("{}") == nil)
    }

    private static let ingress =
        #"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web","namespace":"shop","#
        + #""uid":"i1","creationTimestamp":"2026-11-23T08:00:00Z"}"#

    @Test(arguments: [
        (ingress + "}", 299, Health.progressing), (ingress + "}", 300, .degraded),
        (ingress + #","status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#, 300, .healthy),
    ])
    func `a message of an ingress is judged by the clock of its batch`(
        _ object: String,
        _ seconds: Int,
        _ health: Health
    ) throws {
        let decoder = ResourceDecoder(verifier: TrustingVerifier())
        let message = try decoder.decode(AgentMessage.changed(object, 1, 1))
        let id = try #require(message.fact.id)
        var plan = ResourcePlan([id], stored: [nil], streams: [:], now: made + Int64(seconds) * second)
        #expect(plan.take(message, entry: 0) == .applied)
        #expect(plan.histories[0].result?.assessment.health == health)
    }
}
