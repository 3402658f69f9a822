import Domain
import Foundation
import Kafka
import TestSupport
import Testing

/// How long an outage lasts: seconds in a usual run, as long as `SLIPWAY_TEST_OUTAGE_SECONDS` says otherwise.
private let outage = ProcessInfo.processInfo.environment["SLIPWAY_TEST_OUTAGE_SECONDS"].flatMap { Int($0) } ?? 10

/// One side of the agent is gone for a while.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15 + outage / 60)))
struct KubernetesOutageTests {
    @Test func `what happens while the API server is gone is told when it is back, and work goes on`() throws {
        let kubernetes = try KubernetesWorld(throughProxy: true)
        defer { kubernetes.clean() }
        let proxy = try #require(kubernetes.proxy)
        try deploy(in: kubernetes)
        proxy.cut()
        try changeByHand(in: kubernetes)
        try passOutage()
        try kubernetes.request("instance.upgrade", #""instance":"web","version":"1.1.0""#)
        _ = try eventually("the agent is asked for it", within: .seconds(60)) {
            kubernetes.agent.output.contains("generation 2 of release") ? true : nil
        }
        proxy.heal()
        try expectAllIsTold(kubernetes)
    }

    @Test func `what happens while Kafka is gone is told when it is back, and work goes on`() throws {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try deploy(in: kubernetes)
        try kubernetes.world.broker.setBrokerDown()
        try changeByHand(in: kubernetes)
        try passOutage()
        try kubernetes.world.broker.setBrokerUp()
        try kubernetes.request("instance.upgrade", #""instance":"web","version":"1.1.0""#)
        try expectAllIsTold(kubernetes)
    }

    private func deploy(in kubernetes: KubernetesWorld) throws {
        for version in ["1.0.0", "1.1.0"] { try kubernetes.release(version) }
        try kubernetes.request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        try kubernetes.request("config-map.create", #""configMap":"settings","data":{"color":"red"}"#)
        try kubernetes.waitForCommand("instance.deploy")
        try kubernetes.waitForCommand("config-map.create")
        try kubernetes.waitUntilDatabaseIsAsCluster()
    }

    /// Changes that only the agent can tell of.
    private func changeByHand(in kubernetes: KubernetesWorld) throws {
        let here = ["-n", kubernetes.namespace]
        try kubernetes.kubectl(here + ["delete", "configmap", "settings"])
        try kubernetes.kubectl(here + ["delete", "pod", "-l", "slipway.io/instance=web", "--wait=false"])
        for number in 1...20 {
            try kubernetes.kubectl(here + ["create", "configmap", "by-hand-\(number)", "--from-literal=a=b"])
        }
    }

    private func passOutage() throws {
        let end = ContinuousClock.now + .seconds(outage)
        _ = try eventually("the outage's end", within: .seconds(outage + 60)) {
            ContinuousClock.now >= end ? true : nil
        }
    }

    private func expectAllIsTold(_ kubernetes: KubernetesWorld) throws {
        _ = try eventually("the upgrade", within: .seconds(240)) {
            let done = "select count(*) from command where operation = 'instance.upgrade' and state = 'succeeded'"
            return try kubernetes.world.number(done) == 1 ? true : nil
        }
        try kubernetes.waitUntilDatabaseIsAsCluster(within: .seconds(240))
        try kubernetes.wait("drift", "select count(*) from environment_object where drift is not null", 1)
        #expect(kubernetes.agent.isRunning)
        #expect(try kubernetes.world.number("select count(*) from agent_boot") == 1, "the same boot goes on")
        #expect(try kubernetes.world.number("select count(*) from cluster where state = 'connected'") == 1)
        #expect(try kubernetes.world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        try kubernetes.wait("an empty outbox", "select count(*) from outbox", 0)
        #expect(try kubernetes.world.ledgerCloses())
        #expect(try Verification.differences(on: kubernetes.world.database) == [])
    }
}
