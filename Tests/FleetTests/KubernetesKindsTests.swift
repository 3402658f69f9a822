import TestSupport
import Testing

/// Charts with kinds that are not waited for, on a real Kubernetes control plane.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesKindsTests {
    private static let templates = [
        "account": """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: {{ .Release.Name }}}
        """,
        "budget": """
        apiVersion: {{ ternary "policy/v1" "policy/v1beta1" (.Capabilities.APIVersions.Has "policy/v1") }}
        kind: PodDisruptionBudget
        metadata: {name: {{ .Release.Name }}}
        spec:
          maxUnavailable: 1
          selector: {matchLabels: {app: {{ .Release.Name }}}}
        """,
        "cleaning": """
        apiVersion: {{ ternary "batch/v1" "batch/v1beta1" (.Capabilities.APIVersions.Has "batch/v1/CronJob") }}
        kind: CronJob
        metadata: {name: {{ .Release.Name }}}
        spec:
          schedule: "0 3 * * *"
          jobTemplate:
            spec:
              template:
                spec:
                  restartPolicy: Never
                  containers: [{name: clean, image: busybox}]
        """,
        "scaler": """
        apiVersion: autoscaling/v1
        kind: HorizontalPodAutoscaler
        metadata: {name: {{ .Release.Name }}}
        spec:
          scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .Release.Name }}}
          maxReplicas: 3
          targetCPUUtilizationPercentage: 80
        """,
        "web": KubernetesWorld.deployment("serviceAccountName: {{ .Release.Name }}"),
    ]

    @Test func `a chart of kinds that are not waited for succeeds, is stopped, started and deleted`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try kubernetes.writeChart("kinds", templates: Self.templates))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"kinds""#)
        try kubernetes.waitForCommand("instance.deploy")
        for kind in ["serviceaccount", "poddisruptionbudget", "cronjob", "horizontalpodautoscaler"] {
            #expect(try kubernetes.value("\(kind)/kinds", "{.metadata.name}") == "kinds")
        }
        let told = "select count(*) from resource where kind = 'CronJob' and instance = 'kinds' and not gone"
        try kubernetes.wait("the CronJob is told of, in whatever version it is served", told, 1)
        for operation in ["instance.stop", "instance.start", "instance.delete"] {
            try kubernetes.request(operation, #""instance":"kinds""#)
            try kubernetes.waitForCommand(operation)
        }
        #expect(try kubernetes.value("cronjobs", "{.items[*].metadata.name}") == "")
        try kubernetes.wait("it is told as gone", told, 0)
    }
}
