import Foundation
import Postgres
import Processes
import TestSupport
import Testing

/// Charts on a real Kubernetes control plane, and what goes wrong with them.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesChartTests {
    /// A chart that mounts a config map and a secret of the environment, with a hook before it.
    private func makeChart(in kubernetes: KubernetesWorld) throws -> String {
        let templates = [
            "hook": """
            {{- if .Values.hook }}
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: migrate
              annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "3"}
            spec:
              backoffLimit: 0
              template:
                spec:
                  restartPolicy: Never
                  containers: [{name: migrate, image: busybox}]
            {{- end }}
            """,
            "web": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: {{ .Release.Name }}}
            spec:
              replicas: {{ .Values.replicaCount }}
              selector: {matchLabels: {app: {{ .Release.Name }}}}
              template:
                metadata: {labels: {app: {{ .Release.Name }}}}
                spec:
                  containers:
                  - name: web
                    image: {{ .Values.image }}
                    {{- if .Values.mounts }}
                    volumeMounts: [{name: settings, mountPath: /settings}, {name: keys, mountPath: /keys}]
                  volumes:
                  - {name: settings, configMap: {name: settings}}
                  - {name: keys, secret: {secretName: keys}}
                    {{- end }}
            """,
        ]
        let values = "replicaCount: 1\nimage: r.example/shop/web:1.0.0\nhook: true\nmounts: true\n"
        return try kubernetes.writeChart("shop-chart", values: values, templates: templates)
    }

    @Test func `a chart sees its own namespace, and nothing of another`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        let seen = #"{{ len (lookup "v1" "ServiceAccount" "\#(kubernetes.namespace)" "").items }}"#
        let other = #"{{ len (lookup "v1" "ServiceAccount" "kube-system" "").items }}"#
        let own = #"{{ (lookup "v1" "Namespace" "" .Release.Namespace).metadata.name }}"#
        let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata: "
        for (version, text, isSeen) in [("1.0.0", seen, true), ("1.1.0", other, false)] {
            let templates = ["seen": config + "{count: '\(text)', own: '\(own)'}", "web": KubernetesWorld.deployment()]
            let chart = try kubernetes.writeChart("curious-\(isSeen)", templates: templates)
            try kubernetes.release(version, chart: chart)
            let instance = isSeen ? "modest" : "curious"
            try kubernetes.request(
                "instance.deploy",
                #""application":"web","version":"\#(version)","instance":"\#(instance)""#
            )
            try kubernetes.waitForCommand("instance.deploy", isSeen ? "succeeded" : "failed")
        }
        #expect(try kubernetes.value("configmap/seen", "{.data.count}") != "0")
        #expect(try kubernetes.value("configmap/seen", "{.data.own}") == kubernetes.namespace)
    }

    /// Ends the hook's pod, as a container that has ended would: no container runs on this control plane's node.
    private func endHook(_ kubernetes: KubernetesWorld, _ phase: String) throws {
        let pod = try eventually("the hook's pod") {
            let name = try kubernetes.value("pods", "{.items[0].metadata.name}", labels: "job-name=migrate")
            let phase = try kubernetes.value("pod/\(name)", "{.status.phase}")
            return name.isEmpty || phase != "Running" ? nil : name
        }
        _ = try kubernetes.kubectl([
            "-n", kubernetes.namespace, "patch", "pod", pod, "--subresource=status", "--type=merge",
            "-p", #"{"status":{"phase":"\#(phase)","containerStatuses":[]}}"#,
        ])
    }

    @Test func `a chart mounts a config map and a secret, its hook is a stage, and a bad image ends with its reason`()
        throws
    {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.request("config-map.create", #""configMap":"settings","data":{"color":"red"}"#)
        let sealed = try kubernetes.seal("hunter2", for: "secret/keys", "password")
        try kubernetes.request("secret.create", #""secret":"keys","type":"Opaque","data":{"password":"\#(sealed)"}"#)
        try kubernetes.waitForCommand("secret.create")
        #expect(try kubernetes.value("secret/keys", "{.data.password}") == Data("hunter2".utf8).base64EncodedString())

        try kubernetes.release("1.0.0", chart: try makeChart(in: kubernetes))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"shop""#)
        try kubernetes.wait("the stage", "select count(*) from stage where name = 'migrate' and state = 'running'", 1)
        try endHook(kubernetes, "Succeeded")
        try kubernetes.waitForCommand("instance.deploy")
        try kubernetes.wait(
            "the stage's end",
            "select count(*) from stage where name = 'migrate' and state = 'succeeded' and weight = 3",
            1
        )
        #expect(try kubernetes.value("deployment/shop", "{.status.readyReplicas}") == "1")
        #expect(!kubernetes.agent.output.contains("hunter2"))

        try kubernetes.request(
            "instance.configure",
            #""instance":"shop","values":"image: r.example/Shop/Web:2\nhook: false\n""#
        )
        try kubernetes.waitForCommand("instance.configure", "failed")
        let reason = try kubernetes.world.database.query(
            "select reason_code || ': ' || reason from command where operation = 'instance.configure'"
        ).only().string(0)
        #expect(reason.hasPrefix("image_pull: "), "\(reason)")
        try kubernetes.wait("Events", "select least(count(*), 1) from cluster_event where instance = 'shop'", 1)
    }

    @Test func `a release that a killed agent left pending is repaired, and its command done once`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeChart(in: kubernetes))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"shop""#)
        try kubernetes.wait("the stage", "select count(*) from stage where name = 'migrate'", 1)
        try kubernetes.killAgent()
        _ = try eventually("the end of its helm") {
            let pattern = "helm upgrade --install shop .* --namespace \(kubernetes.namespace)"
            return try ChildProcess.output(of: ["pgrep", "-f", pattern]).bytes.isEmpty ? true : nil
        }
        #expect(try kubernetes.value("secret", "{.items[*].metadata.labels.status}").contains("pending-install"))
        try kubernetes.restartAgent()
        _ = try eventually("the repair", within: .seconds(60)) {
            kubernetes.agent.output.contains("repairs the release 'shop', which was left pending-install") ? true : nil
        }
        // The hook runs again: the one before is removed first.
        let first = try kubernetes.value("pods", "{.items[*].metadata.name}", labels: "job-name=migrate")
        _ = try eventually("the hook's second run", within: .seconds(60)) {
            let names = try kubernetes.value("pods", "{.items[*].metadata.name}", labels: "job-name=migrate")
            return !names.isEmpty && names != first && !names.contains(" ") ? true : nil
        }
        try endHook(kubernetes, "Succeeded")
        try kubernetes.request("config-map.create", #""configMap":"settings","data":{"color":"red"}"#)
        let sealed = try kubernetes.seal("x", for: "secret/keys", "password")
        try kubernetes.request("secret.create", #""secret":"keys","type":"Opaque","data":{"password":"\#(sealed)"}"#)
        try kubernetes.waitForCommand("instance.deploy")
        #expect(try kubernetes.value("secret", "{.items[*].metadata.labels.status}").contains("deployed"))
        #expect(try kubernetes.value("secret", "{.items[*].metadata.labels.version}") == "1")
    }

    @Test func `a namespace that is somebody else's is not taken, and a chart that is no chart is told`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        let taken = "\(kubernetes.name)-taken"
        _ = try kubernetes.kubectl(["create", "namespace", taken])
        defer { _ = try? kubernetes.kubectl(["delete", "namespace", taken, "--wait=false"]) }
        try kubernetes.world.request(
            "environment.create",
            key: "\(kubernetes.name)/taken",
            id: "taken",
            #"{"project":"\#(kubernetes.name)","environment":"taken","cluster":"\#(kubernetes.cluster)"}"#
        )
        try kubernetes.wait(
            "the refusal",
            "select count(*) from command where state = 'failed' and reason_code = 'namespace_taken'",
            1
        )
        try kubernetes.release("1.0.0", chart: kubernetes.world.folder + "/no-chart")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy", "failed")
        #expect(
            try kubernetes.world.number("select count(*) from command where reason_code = 'chart_not_found'") == 1
        )
    }

    @Test func `a namespace deleted by hand is told, and nothing is deployed into it`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")
        let live = "select count(*) from resource where not gone and namespace = '\(kubernetes.namespace)'"
        #expect(try kubernetes.world.number(live) > 3)
        _ = try kubernetes.kubectl(["delete", "namespace", kubernetes.namespace])
        try kubernetes.wait("every object is gone", live, 0)
        try kubernetes.request("instance.restart", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.restart", "failed")
        #expect(
            try kubernetes.world.number("select count(*) from command where reason_code = 'namespace_missing'") == 1
        )
    }

    @Test func `an upgrade that the API server refuses is put back, and a first one leaves nothing`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        let values = #"hook: false\nmounts: false\nimage: r.example/shop/web:1.0.0\n"#
        let broken = #"hook: false\nmounts: false\nimage: r.example/shop/web:2.0.0\nreplicaCount: -1\n"#
        try kubernetes.release("1.0.0", chart: try makeChart(in: kubernetes))
        for (instance, values) in [("shop", values), ("other", broken)] {
            try kubernetes.request(
                "instance.deploy",
                #""application":"web","version":"1.0.0","instance":"\#(instance)","values":"\#(values)""#
            )
        }
        try kubernetes.wait(
            "the first one's refusal",
            "select count(*) from command where operation = 'instance.deploy' and reason_code = 'apply_failed'",
            1
        )
        #expect(try kubernetes.value("secret", "{.items[*].metadata.name}", labels: "owner=helm,name=other").isEmpty)
        try kubernetes.wait(
            "the other one's success",
            "select count(*) from command where operation = 'instance.deploy' and state = 'succeeded'",
            1
        )

        try kubernetes.request("instance.configure", #""instance":"shop","values":"\#(broken)""#)
        try kubernetes.waitForCommand("instance.configure", "failed")
        #expect(
            try kubernetes.value("deployment/shop", "{.spec.template.spec.containers[0].image}")
                == "r.example/shop/web:1.0.0"
        )
        let states = try kubernetes.value(
            "secret",
            "{.items[*].metadata.labels.status}",
            labels: "owner=helm,name=shop"
        )
        #expect(states.split(separator: " ").sorted() == ["deployed", "failed", "superseded"])
    }
}
