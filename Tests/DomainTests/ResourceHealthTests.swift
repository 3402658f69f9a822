import JSON
import Testing

@testable import Domain

/// Assesses an object written as JSON.
private func health(_ kind: String, _ apiVersion: String, _ json: String) throws -> HealthAssessment {
    try JSONParser().withDocument(Array(json.utf8)) {
        HealthRules.assess(KubernetesObject($0), kind: kind, apiVersion: apiVersion)
    }
}

/// One line of a rule: an object and the health it must have.
struct HealthCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let json: String
    let health: Health

    init(_ description: String, _ health: Health, _ json: String) {
        testDescription = description
        self.health = health
        self.json = json
    }
}

@Suite struct ResourceHealthTests {
    @Test func `healths are ordered, worst last`() {
        #expect([Health.healthy, .suspended, .progressing, .missing, .degraded, .unknown].sorted() == Health.allCases)
    }

    @Test(arguments: ["Deployment", "Service", "ConfigMap"])
    func `an object that is being deleted is progressing`(_ kind: String) throws {
        let json = #"{"metadata":{"deletionTimestamp":"2026-11-23T08:00:00Z"},"spec":{"paused":true}}"#
        #expect(try health(kind, "v1", json) == HealthAssessment(.progressing, "Pending deletion"))
    }

    @Test func `kinds without a rule have no opinion, also those of other groups`() throws {
        #expect(try health("ConfigMap", "v1", "{}").health == .healthy)
        #expect(try health("Secret", "v1", "{}").health == .healthy)
        #expect(
            try health("Service", "serving.knative.dev/v1", #"{"spec":{"type":"LoadBalancer"}}"#).health == .healthy
        )
        #expect(try health("Deployment", "example.com/v1", #"{"spec":{"paused":true}}"#).health == .healthy)
    }

    @Test(arguments: [
        HealthCase("paused", .suspended, #"{"metadata":{"generation":2},"spec":{"paused":true}}"#),
        HealthCase("not observed", .progressing, #"{"metadata":{"generation":2},"status":{"observedGeneration":1}}"#),
        HealthCase(
            "deadline exceeded",
            .degraded,
            #"{"metadata":{"generation":2},"spec":{"replicas":1},"status":{"observedGeneration":2,"updatedReplicas":0,"#
                + #""conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}}"#
        ),
        HealthCase(
            "not observed goes before a deadline of the version before",
            .progressing,
            #"{"metadata":{"generation":3},"status":{"observedGeneration":2,"#
                + #""conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}}"#
        ),
        HealthCase(
            "not updated",
            .progressing,
            #"{"spec":{"replicas":2},"status":{"updatedReplicas":1,"replicas":2}}"#
        ),
        HealthCase(
            "old replicas",
            .progressing,
            #"{"spec":{"replicas":2},"status":{"updatedReplicas":2,"replicas":3,"availableReplicas":2}}"#
        ),
        HealthCase(
            "not available",
            .progressing,
            #"{"spec":{"replicas":2},"status":{"updatedReplicas":2,"replicas":2,"availableReplicas":1}}"#
        ),
        HealthCase(
            "rolled out",
            .healthy,
            #"{"spec":{"replicas":2},"status":{"updatedReplicas":2,"replicas":2,"availableReplicas":2}}"#
        ),
        HealthCase("scaled to nothing", .healthy, #"{"spec":{"replicas":0},"status":{}}"#),
    ])
    func deployments(_ line: HealthCase) throws {
        #expect(try health("Deployment", "apps/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("not observed", .progressing, #"{"metadata":{"generation":1}}"#),
        HealthCase(
            "replica failure",
            .degraded,
            #"{"status":{"conditions":[{"type":"ReplicaFailure","status":"True","message":"exceeded quota"}]}}"#
        ),
        HealthCase(
            "replica failure that is over",
            .healthy,
            #"{"status":{"conditions":[{"type":"ReplicaFailure","status":"False"}]}}"#
        ),
        HealthCase("not available", .progressing, #"{"spec":{"replicas":2},"status":{"availableReplicas":1}}"#),
        HealthCase("available", .healthy, #"{"spec":{"replicas":2},"status":{"availableReplicas":2}}"#),
    ])
    func `replica sets`(_ line: HealthCase) throws {
        #expect(try health("ReplicaSet", "apps/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("never observed", .progressing, #"{"spec":{"replicas":0}}"#),
        HealthCase("not observed", .progressing, #"{"metadata":{"generation":2},"status":{"observedGeneration":1}}"#),
        HealthCase(
            "not ready",
            .progressing,
            #"{"spec":{"replicas":2},"status":{"observedGeneration":1,"readyReplicas":1}}"#
        ),
        HealthCase(
            "partition not updated",
            .progressing,
            #"{"spec":{"replicas":3,"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":1}}},"#
                + #""status":{"observedGeneration":1,"readyReplicas":3,"updatedReplicas":1}}"#
        ),
        HealthCase(
            "partition updated",
            .healthy,
            #"{"spec":{"replicas":3,"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":1}}},"#
                + #""status":{"observedGeneration":1,"readyReplicas":3,"updatedReplicas":2,"updateRevision":"b"}}"#
        ),
        HealthCase(
            "on delete",
            .healthy,
            #"{"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":1,"updateRevision":"b"}}"#
        ),
        HealthCase(
            "revisions differ",
            .progressing,
            #"{"status":{"observedGeneration":1,"updateRevision":"b","currentRevision":"a"}}"#
        ),
        HealthCase(
            "revisions agree",
            .healthy,
            #"{"status":{"observedGeneration":1,"updateRevision":"b","currentRevision":"b"}}"#
        ),
    ])
    func `stateful sets`(_ line: HealthCase) throws {
        #expect(try health("StatefulSet", "apps/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("not observed", .progressing, #"{"metadata":{"generation":1}}"#),
        HealthCase(
            "on delete",
            .healthy,
            #"{"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"desiredNumberScheduled":2}}"#
        ),
        HealthCase("not updated", .progressing, #"{"status":{"desiredNumberScheduled":2,"updatedNumberScheduled":1}}"#),
        HealthCase(
            "not available",
            .progressing,
            #"{"status":{"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":1}}"#
        ),
        HealthCase(
            "available",
            .healthy,
            #"{"status":{"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":2}}"#
        ),
    ])
    func `daemon sets`(_ line: HealthCase) throws {
        #expect(try health("DaemonSet", "apps/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("running", .progressing, "{}"),
        HealthCase("failed", .degraded, #"{"status":{"conditions":[{"type":"Failed","status":"True"}]}}"#),
        HealthCase(
            "failed goes before complete",
            .degraded,
            #"{"status":{"conditions":[{"type":"Complete","status":"True"},{"type":"Failed","status":"True"}]}}"#
        ),
        HealthCase("paused", .suspended, #"{"status":{"conditions":[{"type":"Suspended","status":"True"}]}}"#),
        HealthCase("goes on", .healthy, #"{"status":{"conditions":[{"type":"Suspended","status":"False"}]}}"#),
        HealthCase("complete", .healthy, #"{"status":{"conditions":[{"type":"Complete","status":"True"}]}}"#),
    ])
    func jobs(_ line: HealthCase) throws {
        #expect(try health("Job", "batch/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("inside", .healthy, #"{"spec":{"type":"ClusterIP"}}"#),
        HealthCase(
            "without an address",
            .progressing,
            #"{"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{}}}"#
        ),
        HealthCase(
            "with an address",
            .healthy,
            #"{"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]}}}"#
        ),
    ])
    func services(_ line: HealthCase) throws {
        #expect(try health("Service", "v1", line.json).health == line.health)
    }

    @Test(arguments: ["networking.k8s.io/v1", "extensions/v1beta1"])
    func ingresses(_ apiVersion: String) throws {
        #expect(try health("Ingress", apiVersion, "{}").health == .progressing)
        let json = #"{"status":{"loadBalancer":{"ingress":[{"hostname":"lb"}]}}}"#
        #expect(try health("Ingress", apiVersion, json).health == .healthy)
    }

    @Test(arguments: [
        HealthCase("bound", .healthy, #"{"status":{"phase":"Bound"}}"#),
        HealthCase("pending", .progressing, #"{"status":{"phase":"Pending"}}"#),
        HealthCase("lost", .degraded, #"{"status":{"phase":"Lost"}}"#),
        HealthCase("something else", .unknown, #"{"status":{"phase":"Odd"}}"#),
        HealthCase("no phase", .unknown, "{}"),
    ])
    func `persistent volume claims`(_ line: HealthCase) throws {
        #expect(try health("PersistentVolumeClaim", "v1", line.json).health == line.health)
    }
}
