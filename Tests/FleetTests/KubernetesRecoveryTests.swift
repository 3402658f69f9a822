import Foundation
import TestSupport
import Testing

/// What an agent finds when it starts or ends in the middle of things, on a real control plane.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesRecoveryTests {
    @Test(
        arguments: [
            ["delete", "rolebinding", "slipway-agent"],
            // As an agent left it under which helm acted as the agent itself.
            ["patch", "rolebinding", "slipway-agent", "--type=json", "-p", #"[{"op":"remove","path":"/subjects/1"}]"#],
        ]
    )
    func `rights that somebody has taken away, or that an older agent did not give, are given when the agent starts`(
        change: [String]
    ) throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.killAgent()
        try kubernetes.kubectl(["-n", kubernetes.namespace] + change)
        try kubernetes.restartAgent()
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")
        let subjects = try kubernetes.value("rolebinding/slipway-agent", "{.subjects[*].name}")
        #expect(subjects.split(separator: " ").last == "slipway-helm")
    }

    @Test func `a superseded pod keeps its hands off, and a network finds the pods of several instances`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.killAgent()
        try kubernetes.restartAgent(lease: true)
        let first = kubernetes.agent
        try kubernetes.release("1.0.0")
        for instance in ["web", "api"] {
            try kubernetes.request(
                "instance.deploy",
                #""application":"web","version":"1.0.0","instance":"\#(instance)""#
            )
            try kubernetes.waitForCommand("instance.deploy")
        }
        // From elsewhere: it asks for no lease.
        try kubernetes.restartAgent()
        _ = try eventually("the first is told", within: .seconds(60)) {
            first.output.contains("another agent speaks for the cluster") ? true : nil
        }
        try kubernetes.request(
            "network.create",
            #""network":"front","type":"ClusterIP","target":{"instances":["web","api"]},"#
                + #""ports":[{"name":"http","port":8080,"targetPort":80}]"#
        )
        try kubernetes.waitForCommand("network.create")
        let pods = try kubernetes.value("pods", "{.items[*].status.podIP}").split(separator: " ")
        let endpoints = {
            Set(try kubernetes.value("endpoints/front", "{.subsets[*].addresses[*].ip}").split(separator: " "))
        }
        _ = try eventually("the network's endpoints") { try endpoints() == Set(pods) && pods.count == 2 ? true : nil }
        // The one before would take the labels away again and again.
        for _ in 1...20 { #expect(try endpoints() == Set(pods)) }
        #expect(first.isRunning && kubernetes.agent.isRunning)
    }

    @Test func `a removal whose hook was cut off runs the hook again before anything goes`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeChart(in: kubernetes))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"shop""#)
        try kubernetes.waitForCommand("instance.deploy")
        try kubernetes.request("instance.delete", #""instance":"shop""#)
        let first = try eventually("a removal that has begun") {
            let status = try kubernetes.value("secret", "{.items[*].metadata.labels.status}")
            return try status.contains("uninstalling") ? farewell(in: kubernetes) : nil
        }
        try kubernetes.killAgent()
        try kubernetes.restartAgent()
        let second = try eventually("the hook once more") {
            try farewell(in: kubernetes).flatMap { $0 == first ? nil : $0 }
        }
        #expect(try !kubernetes.value("deployments", "{.items[*].metadata.name}").isEmpty)
        try end(hook: second, "Succeeded", in: kubernetes)
        try kubernetes.waitForCommand("instance.delete")
        #expect(try kubernetes.value("deployments", "{.items[*].metadata.name}").isEmpty)
        #expect(try !kubernetes.value("secret", "{.items[*].metadata.labels.status}").contains("uninstalling"))
    }

    @Test func `an application whose hook has failed to let it go is changed as before, not made anew`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeChart(in: kubernetes))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"shop""#)
        try kubernetes.waitForCommand("instance.deploy")
        let deployment = try kubernetes.value("deployments", "{.items[*].metadata.uid}")
        try kubernetes.request("instance.delete", #""instance":"shop""#)
        let hook = try eventually("the hook") { try farewell(in: kubernetes) }
        try end(hook: hook, "Failed", in: kubernetes)
        try kubernetes.waitForCommand("instance.delete", "failed")
        try kubernetes.request("instance.scale", #""instance":"shop","workload":"Deployment/shop","replicas":2"#)
        try kubernetes.waitForCommand("instance.scale")
        #expect(try kubernetes.value("deployments", "{.items[*].metadata.uid}") == deployment)
        #expect(try !kubernetes.value("secret", "{.items[*].metadata.labels.status}").contains("uninstalling"))
    }

    /// The uid of the hook's Job; `nil` where there is none.
    private func farewell(in kubernetes: KubernetesWorld) throws -> String? {
        let uid = try kubernetes.value("jobs", "{.items[?(@.metadata.name=='farewell')].metadata.uid}")
        return uid.isEmpty ? nil : uid
    }

    /// Ends the pod of a hook's Job, as a container that has ended would: no container runs on this control plane's node.
    private func end(hook job: String, _ phase: String, in kubernetes: KubernetesWorld) throws {
        // Newer versions have it with a prefix, too.
        let labels = "controller-uid=\(job)"
        let pod = try eventually("the hook's pod") {
            let isRunning = try kubernetes.value("pods", "{.items[*].status.phase}", labels: labels) == "Running"
            return try isRunning ? kubernetes.value("pods", "{.items[*].metadata.name}", labels: labels) : nil
        }
        _ = try kubernetes.kubectl([
            "-n", kubernetes.namespace, "patch", "pod", pod, "--subresource=status", "--type=merge",
            "-p", #"{"status":{"phase":"\#(phase)","containerStatuses":[]}}"#,
        ])
    }

    @Test func `an upgrade that a killed agent left unfinished goes with everything that it has applied`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeGrowingChart(in: kubernetes))
        try kubernetes.request(
            "instance.deploy",
            #""application":"web","version":"1.0.0","instance":"shop","values":"isGrown: false\n""#
        )
        try kubernetes.waitForCommand("instance.deploy")
        // Its hook never ends here.
        try kubernetes.request("instance.configure", #""instance":"shop","values":"isGrown: true\n""#)
        _ = try eventually("what the upgrade applies") {
            try kubernetes.value("configmaps", "{.items[*].metadata.name}").contains("branch") ? true : nil
        }
        try kubernetes.killAgent()
        try kubernetes.request("instance.delete", #""instance":"shop""#)
        try kubernetes.restartAgent()
        try kubernetes.waitForCommand("instance.delete")
        #expect(kubernetes.agent.output.contains("repairs the release 'shop', which was left pending-upgrade"))
        #expect(try !kubernetes.value("configmaps", "{.items[*].metadata.name}").contains("branch"))
        #expect(try kubernetes.value("deployments", "{.items[*].metadata.name}").isEmpty)
        #expect(try kubernetes.value("secret", "{.items[*].metadata.name}", labels: "owner=helm,name=shop").isEmpty)
    }

    /// A chart whose upgrade brings a config map, and then waits for a hook.
    private func makeGrowingChart(in kubernetes: KubernetesWorld) throws -> String {
        try kubernetes.writeChart(
            "growing-chart",
            values: "isGrown: false\n",
            templates: [
                "branch": """
                {{- if .Values.isGrown }}
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: branch}
                {{- end }}
                """,
                "hook": """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: water, annotations: {"helm.sh/hook": post-upgrade}}
                spec: {template: {spec: {restartPolicy: Never, containers: [{name: water, image: busybox}]}}}
                """,
                "web": KubernetesWorld.deployment(),
            ]
        )
    }

    /// A chart whose removal waits for a hook.
    private func makeChart(in kubernetes: KubernetesWorld) throws -> String {
        try kubernetes.writeChart(
            "farewell-chart",
            templates: [
                "hook": """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: farewell, annotations: {"helm.sh/hook": pre-delete}}
                spec:
                  backoffLimit: 0
                  template: {spec: {restartPolicy: Never, containers: [{name: farewell, image: busybox}]}}
                """,
                "web": KubernetesWorld.deployment(),
            ]
        )
    }
}
