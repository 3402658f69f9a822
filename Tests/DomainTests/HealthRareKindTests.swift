import JSON
import Testing

@testable import Domain

/// Assesses an object written as JSON by Argo CD's rules.
private func health(_ kind: String, _ apiVersion: String, _ json: String) throws -> HealthAssessment {
    try JSONParser().withDocument(Array(json.utf8)) {
        HealthRules.assess(KubernetesObject($0), kind: kind, apiVersion: apiVersion)
    }
}

/// An object with these conditions, each as `Type=Status` or `Type=Status/Reason`.
func object(conditions: String...) -> String { #"{"status":{"conditions":\#(list(conditions))}}"# }

private func list(_ conditions: [String]) -> String {
    let items = conditions.map { condition in
        let parts = condition.split(whereSeparator: { $0 == "=" || $0 == "/" })
        let reason = parts.count > 2 ? #","reason":"\#(parts[2])""# : ""
        return #"{"type":"\#(parts[0])","status":"\#(parts[1])"\#(reason),"message":"of \#(parts[0])"}"#
    }
    return "[" + items.joined(separator: ",") + "]"
}

/// Argo CD's rules for kinds that change seldom.
@Suite struct HealthRareKindTests {
    @Test(arguments: [
        HealthCase("paused is healthy", .healthy, #"{"spec":{"suspend":true},"status":{}}"#),
        HealthCase("paused goes before a failed run", .healthy, cron("08", "07", spec: #""suspend":true"#)),
        HealthCase("no status", .progressing, #"{"spec":{"suspend":false}}"#),
        HealthCase("never due", .healthy, #"{"spec":{},"status":{}}"#),
        HealthCase("never succeeded", .healthy, #"{"status":{"lastScheduleTime":"2026-11-23T08:00:00Z"}}"#),
        HealthCase("a job is running", .healthy, cron("08", "07", status: #","active":[{"name":"a"}]"#)),
        HealthCase("nothing is active and the last run failed", .degraded, cron("08", "07", status: #","active":[]"#)),
        HealthCase("the last run failed", .degraded, cron("08", "07")),
        HealthCase("the last run succeeded", .healthy, cron("08", "09")),
        HealthCase("the last run succeeded within a second", .healthy, cron("08", "08")),
    ])
    func `cron jobs`(_ line: HealthCase) throws {
        #expect(try health("CronJob", "batch/v1", line.json).health == line.health)
        #expect(try health("CronJob", "example.com/v1", line.json).health == .healthy)
    }

    private static func cron(_ scheduled: String, _ succeeded: String, spec: String = "", status: String = "") -> String
    {
        #"{"spec":{\#(spec)},"status":{"lastScheduleTime":"2026-11-23T\#(scheduled):00:00Z","#
            + #""lastSuccessfulTime":"2026-11-23T\#(succeeded):00:00Z"\#(status)}}"#
    }

    static let autoscalers: [([String], Health)] = [
        ([], .progressing),
        (["AbleToScale=False/FailedGetScale"], .degraded),
        (["AbleToScale=True/FailedGetScale"], .degraded),
        (["AbleToScale=False/FailedUpdateScale"], .degraded),
        (["ScalingActive=False/FailedGetResourceMetric"], .degraded),
        (["ScalingActive=False/FailedGetObjectMetric"], .degraded),
        (["ScalingActive=False/FailedGetPodsMetric"], .degraded),
        (["ScalingActive=False/FailedGetExternalMetric"], .degraded),
        (["ScalingActive=False/FailedComputeMetricsReplicas"], .degraded),
        (["ScalingActive=False/InvalidSelector"], .degraded),
        (["AbleToScale=True/ReadyForNewScale", "ScalingActive=False/InvalidSelector"], .degraded),
        (["AbleToScale=False/FailedGetObjectMetric"], .progressing),
        (["ScalingActive=False/ScalingDisabled"], .progressing),
        (["ScalingActive=True/ValidMetricFound"], .progressing),
        (["AbleToScale=True/SucceededGetScale"], .healthy),
        (["ScalingLimited=True/TooFewReplicas"], .healthy),
        (["AbleToScale=False/BackoffBoth", "ScalingLimited=False/DesiredWithinRange"], .progressing),
    ]

    @Test(arguments: autoscalers)
    func `autoscalers, by conditions and by the first version's annotation`(
        _ conditions: [String],
        _ wanted: Health
    ) throws {
        let written = list(conditions)
        let status = #"{"status":{"conditions":\#(written)}}"#
        for version in ["v2", "v2beta2"] {
            #expect(try health("HorizontalPodAutoscaler", "autoscaling/\(version)", status).health == wanted)
        }
        let quoted = written.replacing("\"", with: "\\\"")
        let annotated = #"{"metadata":{"annotations":{"autoscaling.alpha.kubernetes.io/conditions":"\#(quoted)"}}}"#
        #expect(try health("HorizontalPodAutoscaler", "autoscaling/v1", annotated).health == wanted)
        #expect(try health("HorizontalPodAutoscaler", "autoscaling/v1", status).health == .progressing)
    }

    @Test(arguments: ["", "{", "{}", "7"])
    func `an autoscaler's annotation that cannot be read is unknown`(_ annotation: String) throws {
        let json = #"{"metadata":{"annotations":{"autoscaling.alpha.kubernetes.io/conditions":"\#(annotation)"}}}"#
        #expect(try health("HorizontalPodAutoscaler", "autoscaling/v1", json).health == .unknown)
    }

    @Test(arguments: [
        HealthCase("nothing yet", .progressing, "{}"),
        HealthCase("issued", .healthy, object(conditions: "Ready=True")),
        HealthCase("not issued", .degraded, object(conditions: "Ready=False")),
        HealthCase("readiness is not known", .progressing, object(conditions: "Ready=Unknown")),
        HealthCase("renewing goes before ready", .progressing, object(conditions: "Ready=True", "Issuing=True")),
        HealthCase("renewing goes before not ready", .progressing, object(conditions: "Ready=False", "Issuing=True")),
        HealthCase("renewed", .healthy, object(conditions: "Issuing=False", "Ready=True")),
    ])
    func certificates(_ line: HealthCase) throws {
        #expect(try health("Certificate", "cert-manager.io/v1", line.json).health == line.health)
        #expect(try health("Certificate", "networking.internal.knative.dev/v1", line.json).health == .healthy)
    }

    @Test(arguments: ["Issuer", "ClusterIssuer"])
    func issuers(_ kind: String) throws {
        #expect(try health(kind, "cert-manager.io/v1", "{}").health == .progressing)
        #expect(try health(kind, "cert-manager.io/v1", object(conditions: "Ready=True")).health == .healthy)
        #expect(
            try health(kind, "cert-manager.io/v1", object(conditions: "Ready=False"))
                == HealthAssessment(.degraded, "of Ready")
        )
    }

    @Test(arguments: [
        HealthCase("nothing yet", .progressing, "{}"),
        HealthCase("available", .healthy, object(conditions: "Available=True/Passed")),
        HealthCase("not available", .progressing, object(conditions: "Available=False/MissingEndpoints")),
        HealthCase("another condition", .progressing, object(conditions: "Ready=True")),
    ])
    func `services of the API`(_ line: HealthCase) throws {
        #expect(try health("APIService", "apiregistration.k8s.io/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("nothing yet", .progressing, "{}"),
        HealthCase("no conditions", .progressing, #"{"status":{"conditions":[]}}"#),
        HealthCase("allowed", .healthy, object(conditions: "DisruptionAllowed=True/SufficientPods")),
        HealthCase("too few pods", .healthy, object(conditions: "DisruptionAllowed=False/InsufficientPods")),
        HealthCase("cannot be computed", .degraded, object(conditions: "DisruptionAllowed=False/SyncFailed")),
        HealthCase("any failure", .degraded, object(conditions: "A=False/SyncFailed", "B=True/SufficientPods")),
    ])
    func `disruption budgets`(_ line: HealthCase) throws {
        #expect(try health("PodDisruptionBudget", "policy/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("no status", .unknown, "{}"),
        HealthCase("no conditions", .progressing, #"{"status":{}}"#),
        HealthCase("established", .healthy, object(conditions: "NamesAccepted=True", "Established=True")),
        HealthCase("being installed", .progressing, object(conditions: "Established=False/Installing")),
        HealthCase("not established", .degraded, object(conditions: "Established=False/NotAccepted")),
        HealthCase("names are taken", .degraded, object(conditions: "NamesAccepted=False", "Established=True")),
        HealthCase("schema", .degraded, object(conditions: "Established=True", "NonStructuralSchema=True")),
        HealthCase("being removed", .progressing, object(conditions: "Terminating=True", "Established=True")),
        HealthCase(
            "the first opinion counts",
            .progressing,
            object(conditions: "Terminating=True", "NamesAccepted=False")
        ),
    ])
    func `custom resource definitions`(_ line: HealthCase) throws {
        #expect(try health("CustomResourceDefinition", "apiextensions.k8s.io/v1", line.json).health == line.health)
    }

    @Test(arguments: [
        HealthCase("nothing yet", .progressing, "{}"),
        HealthCase("pending", .progressing, #"{"status":{"phase":"Pending"}}"#),
        HealthCase("running", .progressing, #"{"status":{"phase":"Running"}}"#),
        HealthCase("succeeded", .healthy, #"{"status":{"phase":"Succeeded"}}"#),
        HealthCase("failed", .degraded, #"{"status":{"phase":"Failed"}}"#),
        HealthCase("in error", .degraded, #"{"status":{"phase":"Error"}}"#),
        HealthCase("something else", .unknown, #"{"status":{"phase":"Odd"}}"#),
    ])
    func workflows(_ line: HealthCase) throws {
        #expect(try health("Workflow", "argoproj.io/v1alpha1", line.json).health == line.health)
    }
}
