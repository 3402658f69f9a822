import ClusterAgent
import Foundation
import Postgres
import TestSupport
import Testing

/// What a real control plane refuses, never does, or is away for.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesTroubleTests {
    /// A chart of a Deployment that no node takes, and of texts that no compression makes small.
    private func makeChart(
        _ name: String,
        in kubernetes: KubernetesWorld,
        bulk: Int = 0,
        isScheduled: Bool = true
    ) throws -> String {
        var templates = [
            "web": KubernetesWorld.deployment("nodeSelector: \(isScheduled ? "{}" : "{nowhere: at-all}")")
        ]
        var random = SeededRandom(seed: 1)
        for number in 0..<bulk {
            let bytes = (0..<500_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            templates["bulk-\(number)"] = """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: bulk-\(number)}
                data: {text: "\(Data(bytes).base64EncodedString())"}
                """
        }
        return try kubernetes.writeChart(name, templates: templates)
    }

    private func reason(_ kubernetes: KubernetesWorld, _ operation: String) throws -> (code: String, sentence: String) {
        let row = try kubernetes.world.database.query(
            "select reason_code, reason from command where operation = $1 order by created_at desc limit 1",
            [.text(operation)]
        ).only()
        return (try row.string(0), try row.string(1))
    }

    /// After many failures in a row the agent's HTTP client waits for up to a minute before it connects again.
    private func waitForSuccess(of operation: String, _ kubernetes: KubernetesWorld) throws {
        let done = "select count(*) from command where operation = '\(operation)' and state = 'succeeded'"
        _ = try eventually("\(operation) succeeded", within: .seconds(200)) {
            try kubernetes.world.number(done) == 1 ? true : nil
        }
    }

    @Test func `a chart of 2 MB of manifests is refused with a clear limit, and nothing of it stays`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeChart("bulky", in: kubernetes, bulk: 3))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"bulky""#)
        try kubernetes.waitForCommand("instance.deploy", "failed")
        let (code, sentence) = try reason(kubernetes, "instance.deploy")
        #expect(code == "chart_too_large", "\(sentence)")
        #expect(sentence.contains("1 MiB"), "\(sentence)")
        #expect(try kubernetes.value("deployments", "{.items[*].metadata.name}") == "")
        #expect(try !kubernetes.value("configmaps", "{.items[*].metadata.name}").contains("bulk-"))
        #expect(kubernetes.agent.isRunning)
    }

    @Test func `a chart that never becomes ready times out and says why`() throws {
        let kubernetes = try KubernetesWorld(["SLIPWAY_HEALTHY_SECONDS": "8"])
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0", chart: try makeChart("nowhere", in: kubernetes, isScheduled: false))
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"lost""#)
        try kubernetes.waitForCommand("instance.deploy", "timed_out")
        let (code, sentence) = try reason(kubernetes, "instance.deploy")
        #expect(code == "unschedulable" || code == "not_ready", "\(code): \(sentence)")
        #expect(sentence.contains("lost"), "\(sentence)")
        // The next command is not held up by it.
        try kubernetes.request("instance.delete", #""instance":"lost""#)
        try kubernetes.waitForCommand("instance.delete")
    }

    @Test func `work waits while the API server is away, also in the middle of helm, and is done when it is back`()
        throws
    {
        let kubernetes = try KubernetesWorld(throughProxy: true)
        defer { kubernetes.clean() }
        let proxy = try #require(kubernetes.proxy)
        for version in ["1.0.0", "1.1.0"] { try kubernetes.release(version) }
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")

        proxy.cut()
        try kubernetes.request("instance.upgrade", #""instance":"web","version":"1.1.0""#)
        let (agent, world) = (kubernetes.agent, kubernetes.world)
        _ = try eventually("the agent waits for the API server", within: .seconds(60)) {
            agent.output.contains(" waits: ") ? true : nil
        }
        try kubernetes.wait("the command is taken", "select count(*) from command where state = 'acknowledged'", 1)
        proxy.heal()
        try waitForSuccess(of: "instance.upgrade", kubernetes)

        // As soon as helm runs.
        let before = agent.output.components(separatedBy: " begins ").count
        try kubernetes.request("instance.restart", #""instance":"web""#)
        _ = try eventually("work") { agent.output.components(separatedBy: " begins ").count > before ? true : nil }
        let waits = agent.output.components(separatedBy: " waits: ").count
        proxy.cut()
        _ = try eventually("helm's complaint", within: .seconds(120)) {
            agent.output.components(separatedBy: " waits: ").count > waits ? true : nil
        }
        proxy.heal()
        try waitForSuccess(of: "instance.restart", kubernetes)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        let image = try kubernetes.value("deployment/web", "{.spec.template.spec.containers[0].image}")
        #expect(image == "r.example/shop/web:1.1.0")
        #expect(agent.isRunning)
    }
}
