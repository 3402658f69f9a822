import JSON
import Testing

@testable import Domain

/// One line of a rule: an object and what kstatus must say of it, with the code where it is not current.
struct KstatusCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let json: String
    let status: Kstatus
    let code: String?

    init(_ description: String, _ status: Kstatus, _ json: String) {
        self.init(description, status, nil, json)
    }

    init(_ description: String, _ status: Kstatus, _ code: String?, _ json: String) {
        testDescription = description
        self.status = status
        self.code = code
        self.json = json
    }

    /// Holds the line against kstatus's rules.
    func check(_ kind: String, _ apiVersion: String, age: Int64? = nil, _ location: SourceLocation = #_sourceLocation)
        throws
    {
        let found = try JSONParser().withDocument(Array(json.utf8)) {
            KstatusRules.assess(KubernetesObject($0), kind: kind, apiVersion: apiVersion, age: age)
        }
        #expect(found.status == status, sourceLocation: location)
        #expect(found.code == code, sourceLocation: location)
    }
}

/// What kstatus reads of every kind, and the kinds with little to read.
@Suite struct HealthKstatusTests {
    @Test(arguments: ["Deployment", "Pod", "Secret", "Widget"])
    func `deletion, generation and the standard conditions go before every kind's own rule`(_ kind: String) throws {
        let apiVersion = kind == "Deployment" ? "apps/v1" : kind == "Widget" ? "example.com/v1" : "v1"
        for line in [
            KstatusCase(
                "deletion goes first",
                .terminating,
                #"{"metadata":{"deletionTimestamp":"2026-11-23T08:00:00Z","generation":2},"#
                    + #""status":{"observedGeneration":1,"conditions":[{"type":"Stalled","status":"True"}]}}"#
            ),
            KstatusCase(
                "an older generation is observed",
                .inProgress,
                "LatestGenerationNotObserved",
                #"{"metadata":{"generation":2},"#
                    + #""status":{"observedGeneration":1,"conditions":[{"type":"Stalled","status":"True"}]}}"#
            ),
            KstatusCase(
                "a newer generation is observed",
                .inProgress,
                "LatestGenerationNotObserved",
                #"{"metadata":{"generation":1},"status":{"observedGeneration":2}}"#
            ),
            KstatusCase("reconciling", .inProgress, "Busy", object(conditions: "Reconciling=True/Busy", "Ready=True")),
            KstatusCase("stalled", .failed, "Stuck", object(conditions: "Stalled=True/Stuck", "Ready=True")),
            KstatusCase(
                "the first of both counts",
                .failed,
                "Stuck",
                object(conditions: "Stalled=True/Stuck", "Reconciling=True/Busy")
            ),
        ] { try line.check(kind, apiVersion) }
    }

    @Test(arguments: [
        KstatusCase("nothing at all", .current, "{}"),
        KstatusCase("no generation is observed", .current, #"{"metadata":{"generation":2},"status":{}}"#),
        KstatusCase("observed", .current, #"{"metadata":{"generation":2},"status":{"observedGeneration":2}}"#),
        KstatusCase("ready", .current, object(conditions: "Ready=True/Done")),
        KstatusCase("not ready", .inProgress, "Pending", object(conditions: "Ready=False/Pending")),
        KstatusCase("readiness is not known", .inProgress, "Odd", object(conditions: "Ready=Unknown/Odd")),
        KstatusCase("a readiness without a meaning", .current, object(conditions: "Ready=Maybe")),
        KstatusCase(
            "conditions that are over",
            .current,
            object(conditions: "Reconciling=False/Busy", "Stalled=False/Stuck")
        ),
    ])
    func `kinds without a rule of their own`(_ line: KstatusCase) throws {
        try line.check("Ingress", "networking.k8s.io/v1")
        try line.check("HorizontalPodAutoscaler", "autoscaling/v2")
        try line.check("Certificate", "cert-manager.io/v1")
        try line.check("Deployment", "example.com/v1")
    }

    @Test(arguments: [
        #"{"metadata":{"deletionTimestamp":7}}"#,
        #"{"metadata":{"generation":"2"}}"#,
        #"{"metadata":{"generation":2},"status":{"observedGeneration":"2"}}"#,
        #"{"status":[]}"#,
        #"{"status":{"conditions":{}}}"#,
        #"{"status":{"conditions":["Ready"]}}"#,
        #"{"status":{"conditions":[{"type":"Ready","status":true}]}}"#,
    ])
    func `what contradicts itself is unknown`(_ json: String) throws {
        try KstatusCase(json, .unknown, json).check("Deployment", "apps/v1")
        try KstatusCase(json, .unknown, json).check("Widget", "example.com/v1")
    }

    @Test(arguments: [
        ("Secret", "v1"), ("ConfigMap", "v1"), ("CronJob", "batch/v1"), ("PodDisruptionBudget", "policy/v1"),
    ])
    func `kinds that are always current, whatever their condition says`(_ kind: String, _ apiVersion: String) throws {
        let json = object(conditions: "Ready=False/Pending")
        try KstatusCase("always", .current, json).check(kind, apiVersion)
        try KstatusCase("another group", .inProgress, "Pending", json).check(kind, "example.com/v1")
    }

    @Test(arguments: [
        KstatusCase("inside", .current, #"{"spec":{"type":"ClusterIP"}}"#),
        KstatusCase("no type is inside", .current, "{}"),
        KstatusCase("no address inside", .inProgress, "NoIPAssigned", #"{"spec":{"type":"LoadBalancer"}}"#),
        KstatusCase(
            "an empty address inside",
            .inProgress,
            "NoIPAssigned",
            #"{"spec":{"type":"LoadBalancer","clusterIP":""}}"#
        ),
        KstatusCase(
            "no address outside does not matter",
            .current,
            #"{"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1"}}"#
        ),
    ])
    func services(_ line: KstatusCase) throws { try line.check("Service", "v1") }

    @Test(arguments: [
        KstatusCase("bound", .current, #"{"status":{"phase":"Bound"}}"#),
        KstatusCase("pending", .inProgress, "NotBound", #"{"status":{"phase":"Pending"}}"#),
        KstatusCase("lost", .inProgress, "NotBound", #"{"status":{"phase":"Lost"}}"#),
        KstatusCase("no phase", .inProgress, "NotBound", "{}"),
    ])
    func `persistent volume claims`(_ line: KstatusCase) throws { try line.check("PersistentVolumeClaim", "v1") }

    @Test(arguments: [
        KstatusCase("nothing yet", .inProgress, "Installing", "{}"),
        KstatusCase("established", .current, object(conditions: "NamesAccepted=True", "Established=True")),
        KstatusCase("being installed", .inProgress, "Installing", object(conditions: "Established=False/Installing")),
        KstatusCase("refused", .failed, "Refused", object(conditions: "Established=False/Refused")),
        KstatusCase("names are taken", .failed, "Taken", object(conditions: "NamesAccepted=False/Taken")),
        KstatusCase(
            "the first opinion counts",
            .current,
            object(conditions: "Established=True", "NamesAccepted=False/Taken")
        ),
    ])
    func `custom resource definitions`(_ line: KstatusCase) throws {
        try line.check("CustomResourceDefinition", "apiextensions.k8s.io/v1")
    }

    @Test func `an object that is gone is not found`() {
        #expect(KstatusAssessment.notFound.status == .notFound)
        #expect(
            Kstatus.allCases.map(\.rawValue).sorted() == [
                "Current", "Failed", "InProgress", "NotFound", "Terminating", "Unknown",
            ]
        )
    }
}
