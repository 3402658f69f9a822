import ClusterAgent
import Domain
import Foundation
import Postgres
import TestSupport
import Testing

/// Agents of a real control plane that die, and that are two.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(20)), .serialized)
struct KubernetesFaultTests {
    @Test func `after random operations and kills of the agent the database is as the cluster`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        var random = SeededRandom(seed: Self.seed)
        for version in ["1.0.0", "1.1.0", "1.2.0"] { try kubernetes.release(version) }
        let end = ContinuousClock.now + .seconds(60 * Self.minutes)
        var round = 0
        while round < 24 || ContinuousClock.now < end {
            try operate(round, kubernetes, &random)
            if round % 6 == 5 { try killBusyAgent(&kubernetes) }
            round += 1
        }
        _ = try eventually("every command's end", within: .seconds(240)) {
            try kubernetes.isBusy() ? nil : true
        }
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.2.0","instance":"web-last""#)
        try kubernetes.waitForCommand("instance.deploy")
        try kubernetes.waitUntilDatabaseIsAsCluster()
        try expectAsDecided(kubernetes)
    }

    /// How long it goes on and with which seed, for runs that take longer than a usual one.
    private static let minutes = ProcessInfo.processInfo.environment["SLIPWAY_TEST_MINUTES"].flatMap { Int($0) } ?? 0
    private static let seed = ProcessInfo.processInfo.environment["SLIPWAY_TEST_SEED"].flatMap { UInt64($0) } ?? 7

    private func operate(_ round: Int, _ kubernetes: KubernetesWorld, _ random: inout SeededRandom) throws {
        let instance = "web-\(random.next() % 3)"
        switch random.next() % 12 {
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
        case 6: try kubernetes.request("instance.stop", #""instance":"\#(instance)""#)
        case 7: try kubernetes.request("instance.start", #""instance":"\#(instance)""#)
        case 8: try kubernetes.request("instance.rollback", #""instance":"\#(instance)""#)
        case 9:
            try kubernetes.request(
                "network.create",
                #""network":"n\#(round % 2)","type":"ClusterIP","target":{"instances":["web-0","web-1"]},"#
                    + #""ports":[{"name":"http","port":8080,"targetPort":80}]"#
            )
        case 10: try kubernetes.request("network.delete", #""network":"n\#(round % 2)""#)
        default: try kubernetes.request("config-map.create", #""configMap":"m\#(round)","data":{"a":"b"}"#)
        }
    }

    /// Kills the agent in the middle of whatever it is doing, once it does something, and starts it anew; then everything
    /// that was open ends, before the next agent is killed.
    private func killBusyAgent(_ kubernetes: inout KubernetesWorld) throws {
        let began = kubernetes.agent.output.components(separatedBy: " begins ").count
        let (agent, before) = (kubernetes.agent, kubernetes)
        _ = try eventually("work") {
            let hasBegun = agent.output.components(separatedBy: " begins ").count > began
            return try hasBegun || !before.isBusy() ? true : nil
        }
        try kubernetes.killAgent()
        try kubernetes.restartAgent()
        let after = kubernetes
        _ = try eventually("the end of what was open when the agent was killed", within: .seconds(180)) {
            try after.isBusy() ? nil : true
        }
    }

    /// What should run runs, as it should.
    private func expectAsDecided(_ kubernetes: KubernetesWorld) throws {
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
        let failed = try kubernetes.world.database.query(
            """
            select concat_ws(' ', operation, subject_name, generation, state, reason_code, reason) from command
            where state in ('failed', 'timed_out') order by created_at limit 20
            """
        ).map { try $0.string(0) }
        #expect(failed == [])
        #expect(try kubernetes.world.ledgerCloses())
        #expect(try Verification.differences(on: kubernetes.world.database) == [])
    }

    @Test func `of an agent's pods one speaks, and another takes over when it is killed`() throws {
        var kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.killAgent()
        try kubernetes.restartAgent(lease: true)
        let first = kubernetes.agent
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.waitForCommand("instance.deploy")
        try kubernetes.restartAgent(lease: true)
        let second = kubernetes.agent
        _ = try eventually("the second stands by") { second.output.contains("stands by") ? true : nil }
        try kubernetes.request("instance.restart", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.restart")
        #expect(first.isRunning && !second.output.contains("speaks for the cluster '\(kubernetes.name)'"))
        try kubernetes.restartAgent(lease: true)
        let third = kubernetes.agent
        _ = try eventually("the third stands by") { third.output.contains("stands by") ? true : nil }
        third.signal(SIGTERM)
        #expect(try third.exitCode() == 0, "one that stands by ends cleanly, too")
        first.signal(SIGKILL)
        _ = try first.exitCode()
        try kubernetes.request("instance.delete", #""instance":"web""#)
        try kubernetes.waitForCommand("instance.delete")
        #expect(second.isRunning)
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
