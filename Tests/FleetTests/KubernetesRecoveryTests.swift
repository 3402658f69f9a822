import Foundation
import TestSupport
import Testing

/// What an agent finds when it starts or ends in the middle of things, on a real control plane.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesRecoveryTests {
    @Test func `rights that somebody has taken away are given anew when the agent starts`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.killAgent()
        try kubernetes.kubectl(["-n", kubernetes.namespace, "delete", "rolebinding", "slipway-agent"])
        try kubernetes.restartAgent()
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")
        try kubernetes.kubectl(["-n", kubernetes.namespace, "get", "rolebinding", "slipway-agent"])
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

    @Test func `a removal that a killed helm has begun is brought to its end`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeChart(in: kubernetes))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"shop""#)
        try kubernetes.waitForCommand("instance.deploy")
        // Its hook never ends here.
        try kubernetes.request("instance.delete", #""instance":"shop""#)
        _ = try eventually("a removal that has begun") {
            try kubernetes.value("secret", "{.items[*].metadata.labels.status}").contains("uninstalling") ? true : nil
        }
        try kubernetes.killAgent()
        try kubernetes.restartAgent()
        try kubernetes.waitForCommand("instance.delete")
        #expect(kubernetes.agent.output.contains("ends the removal of the release 'shop', which was begun"))
        #expect(try kubernetes.value("deployments", "{.items[*].metadata.name}").isEmpty)
        #expect(try !kubernetes.value("secret", "{.items[*].metadata.labels.status}").contains("uninstalling"))
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
                spec: {template: {spec: {restartPolicy: Never, containers: [{name: farewell, image: busybox}]}}}
                """,
                "web": KubernetesWorld.deployment(),
            ]
        )
    }
}
