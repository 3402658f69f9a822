import Foundation
import Postgres
import TestSupport
import Testing

/// The fleet and a real Kubernetes control plane.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesFleetTests {
    @Test func `an instance lives in a cluster from its first release event to its removal`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        #expect(
            try kubernetes.kubectl(["get", "namespace", kubernetes.namespace, "-o", "jsonpath={.metadata.labels}"])
                .contains(kubernetes.cluster)
        )
        try kubernetes.request("autodeploy.create", #""application":"web","instance":"web","versions":"^1.0""#)
        try kubernetes.wait("the rule", "select count(*) from auto_deploy_rule", 1)

        try kubernetes.release("1.0.0")
        try expectRunning("1.0.0", pods: 1, kubernetes)
        try kubernetes.release("1.1.0")
        try expectRunning("1.1.0", pods: 1, kubernetes)

        try kubernetes.request("instance.scale", #""instance":"web","workload":"Deployment/web","replicas":3"#)
        try kubernetes.waitForCommand("instance.scale")
        try expectRunning("1.1.0", pods: 3, kubernetes)
        try kubernetes.request("instance.stop", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.stop")
        #expect(try kubernetes.value("deployment/web", "{.spec.replicas}") == "0")
        try kubernetes.request("instance.start", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.start")
        try expectRunning("1.1.0", pods: 3, kubernetes)

        try kubernetes.request("instance.rollback", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.rollback")
        try expectRunning("1.0.0", pods: 3, kubernetes)
        try expectReached(kubernetes)
        try expectRemoved(kubernetes)
    }

    /// The database says so, and so does the cluster.
    private func expectRunning(_ version: String, pods: Int, _ kubernetes: KubernetesWorld) throws {
        try kubernetes.wait(
            "\(version) runs",
            "select count(*) from instance where state = 'running' and running_version = '\(version)'",
            1
        )
        let images = try eventually("\(pods) pods") {
            let images = try kubernetes.value(
                "pods",
                "{range .items[*]}{.spec.containers[0].image}{\" \"}{.status.phase}{\"\\n\"}{end}",
                labels: "slipway.io/instance=web"
            ).split(separator: "\n")
            return images.count == pods && images.allSatisfy { $0.hasSuffix(" Running") } ? images : nil
        }
        #expect(images.allSatisfy { $0.contains(":\(version) ") }, "\(images)")
        let mark = try kubernetes.value("deployment/web", "{.metadata.labels.slipway\\.io/generation}")
        #expect(Int64(mark) == (try kubernetes.world.number("select generation from instance")))
    }

    /// A network finds the pods by its selector, and a domain leads to the network.
    private func expectReached(_ kubernetes: KubernetesWorld) throws {
        let ports = #""ports":[{"name":"http","port":8080,"targetPort":80}]"#
        try kubernetes.request(
            "network.create",
            #""network":"front","type":"ClusterIP","target":{"instances":["web"]},\#(ports)"#
        )
        try kubernetes.waitForCommand("network.create")
        let addresses = try kubernetes.value("pods", "{.items[*].status.podIP}", labels: "slipway.io/instance=web")
        _ = try eventually("the network's endpoints") {
            let found = try kubernetes.value("endpoints/front", "{.subsets[*].addresses[*].ip}")
            return Set(found.split(separator: " ")) == Set(addresses.split(separator: " ")) ? true : nil
        }
        let paths = #""paths":[{"path":"/","network":"front","port":8080}]"#
        try kubernetes.request("domain.create", #""domain":"shop","host":"shop.example.org",\#(paths)"#)
        try kubernetes.waitForCommand("domain.create")
        let backend = "{.spec.rules[0].host} {.spec.rules[0].http.paths[0].backend.service.name}"
        #expect(try kubernetes.value("ingress/shop", backend) == "shop.example.org front")
        try kubernetes.request("config-map.create", #""configMap":"settings","data":{"color":"red"}"#)
        try kubernetes.waitForCommand("config-map.create")
        #expect(try kubernetes.value("configmap/settings", "{.data.color}") == "red")
    }

    /// What was deleted is gone, and the namespace is as it was before.
    private func expectRemoved(_ kubernetes: KubernetesWorld) throws {
        for (what, field) in [("domain", "shop"), ("network", "front"), ("config-map", "settings")] {
            let name = what == "config-map" ? "configMap" : what
            try kubernetes.request("\(what).delete", #""\#(name)":"\#(field)""#)
            try kubernetes.waitForCommand("\(what).delete")
        }
        try kubernetes.request("instance.delete", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.delete")
        let left = try kubernetes.kubectl([
            "-n", kubernetes.namespace, "get", "all,ingress,configmap,secret,pvc", "-o", "name",
        ]).split(separator: "\n").filter { !$0.contains("kube-root-ca.crt") && !$0.contains("default-token") }
        #expect(left.isEmpty, "\(left)")
        try kubernetes.request("environment.delete", #""force":true"#)
        try kubernetes.wait("no environment", "select count(*) from environment where state = 'deleted'", 1)
        #expect(throws: NotSeen.self) { try kubernetes.kubectl(["get", "namespace", kubernetes.namespace]) }
        #expect(try kubernetes.world.ledgerCloses())
        #expect(try kubernetes.world.number("select sum(dead_lettered)::bigint from partition_claim") == 0)
        kubernetes.agent.signal(SIGTERM)
        #expect(try kubernetes.agent.exitCode() == 0)
    }

    @Test func `a network leads to hosts outside of the cluster, with the rights that the agent's chart gives`() throws
    {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        let hosts = #""target":{"endpoints":[{"addresses":["192.0.2.10"]}]},"ports":[{"name":"db","port":5432}]"#
        try kubernetes.request("network.create", #""network":"legacy","type":"ClusterIP",\#(hosts)"#)
        try kubernetes.waitForCommand("network.create")
        let slices = "kubernetes.io/service-name=legacy"
        let address = try kubernetes.value("endpointslices", "{.items[0].endpoints[0].addresses[0]}", labels: slices)
        #expect(address == "192.0.2.10")
        try kubernetes.request("network.delete", #""network":"legacy""#)
        try kubernetes.waitForCommand("network.delete")
        #expect(try kubernetes.value("endpointslices", "{.items[*].metadata.name}", labels: slices) == "")
    }

    @Test func `pods pull with the registry's login, which is there as long as a release names it`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        let name = kubernetes.name
        let sealed = try kubernetes.world.seal("hunter2", for: "\(name)/application/web", "registry.password")
        let login = #""registry":{"server":"r.example","username":"puller","password":"\#(sealed)"}"#
        try kubernetes.world.request(
            "application.update",
            key: name,
            id: "registry",
            #"{"project":"\#(name)","application":"web",\#(login)}"#
        )
        let server = "select count(*) from application where registry_server is not null"
        try kubernetes.wait("the registry", server, 1)
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")

        let secret = try kubernetes.value("pods", "{.items[0].spec.imagePullSecrets[0].name}")
        #expect(!secret.isEmpty)
        #expect(try kubernetes.value("secret/\(secret)", "{.type}") == "kubernetes.io/dockerconfigjson")
        let data = try kubernetes.value("secret/\(secret)", "{.data.\\.dockerconfigjson}")
        let text = String(decoding: Data(base64Encoded: data) ?? Data(), as: UTF8.self)
        #expect(text.contains("r.example") && text.contains(Data("puller:hunter2".utf8).base64EncodedString()))
        #expect(!kubernetes.agent.output.contains("hunter2"))

        try kubernetes.request("instance.delete", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.delete")
        let left = try kubernetes.value("secrets", "{.items[*].metadata.name}")
        #expect(!left.contains(secret), "\(left)")
    }
}
