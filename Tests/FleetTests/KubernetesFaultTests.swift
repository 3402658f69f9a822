import ClusterAgent
import Domain
import Foundation
import Postgres
import TestSupport
import Testing

/// Agents of a real control plane that die, and that are two.
@Suite(.whereKubernetesIs, .timeLimit(.minutes(10)), .serialized)
struct KubernetesFaultTests {
    /// What the database or the cluster holds: kind, name and uid of each object.
    private typealias Objects = Set<String>

    private static let kinds = "pods,deployments,replicasets,services,configmaps,ingresses"

    private func objectsInDatabase(_ kubernetes: KubernetesWorld) throws -> Objects {
        let rows = try kubernetes.world.database.query(
            """
            select kind || ' ' || name || ' ' || uid from resource where not gone and namespace = $1
                and kind in ('Pod', 'Deployment', 'ReplicaSet', 'Service', 'ConfigMap', 'Ingress')
            """,
            [.text(kubernetes.namespace)]
        )
        return Set(try rows.map { try $0.string(0) })
    }

    private func objectsInCluster(_ kubernetes: KubernetesWorld) throws -> Objects {
        let path = "{range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{\"\\n\"}{end}"
        return Set(try kubernetes.value(Self.kinds, path).split(separator: "\n").map(String.init))
    }

    @Test func `after random operations and kills of the agent the database is as the cluster`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        var random = SeededRandom(seed: 7)
        for version in ["1.0.0", "1.1.0", "1.2.0"] { try kubernetes.release(version) }
        for round in 0..<24 {
            let instance = "web-\(random.next() % 3)"
            switch random.next() % 7 {
            case 0, 1, 2:
                try kubernetes.request(
                    "instance.deploy",
                    #""application":"web","version":"1.\#(random.next() % 3).0","instance":"\#(instance)""#
                )
            case 3:
                try kubernetes.request(
                    "instance.scale",
                    #""instance":"\#(instance)","workload":"Deployment/\#(instance)","replicas":\#(random.next() % 4)"#
                )
            case 4: try kubernetes.request("instance.restart", #""instance":"\#(instance)""#)
            case 5: try kubernetes.request("instance.delete", #""instance":"\#(instance)""#)
            default: try kubernetes.request("config-map.create", #""configMap":"m\#(round)","data":{"a":"b"}"#)
            }
            if round % 6 == 5 {
                // In the middle of whatever it is doing.
                let began = kubernetes.agent.output.components(separatedBy: " begins ").count
                _ = try? eventually("work", within: .seconds(3)) {
                    kubernetes.agent.output.components(separatedBy: " begins ").count > began ? true : nil
                }
                kubernetes.agent.signal(SIGKILL)
                _ = try kubernetes.agent.exitCode()
                try kubernetes.restartAgent()
            }
        }
        let open = "select count(*) from command where state in ('accepted', 'sent', 'acknowledged', 'applied')"
        _ = try eventually("every command's end", within: .seconds(240)) {
            try kubernetes.world.number(open) == 0 ? true : nil
        }
        _ = try eventually("the database as the cluster", within: .seconds(60)) {
            try objectsInDatabase(kubernetes) == objectsInCluster(kubernetes) ? true : nil
        }
        // What should run runs, as it should.
        let rows = try kubernetes.world.database.query(
            "select instance, running_version from instance where state = 'running'"
        ).map { (try $0.string(0), try $0.string(1)) }
        #expect(!rows.isEmpty)
        for (instance, version) in rows {
            let image = try kubernetes.value(
                "deployment/\(instance)",
                "{.spec.template.spec.containers[0].image}"
            )
            #expect(image == "r.example/shop/web:\(version)")
        }
        #expect(
            try kubernetes.world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0
        )
        #expect(try kubernetes.world.ledgerCloses())
        #expect(try Verification.differences(on: kubernetes.world.database) == [])
    }

    @Test func `a second agent takes over, and the first one stops`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        let first = kubernetes.agent
        try kubernetes.restartAgent()
        #expect(try first.exitCode(within: .seconds(120)) == 3, "superseded: \(first.output.suffix(2000))")
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")
        #expect(kubernetes.agent.isRunning)
    }
}
