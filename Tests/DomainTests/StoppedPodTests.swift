import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// A stop waits for the pods that it ends, those of Deployments and StatefulSets, and for no others.
@Suite(.timeLimit(.minutes(2))) struct StoppedPodTests {
    private let resources: ResourceWorld

    /// A stop that the agent has done, of an instance with one Deployment.
    init() throws {
        resources = try ResourceWorld()
        try resources.openCommand(applied: "web", uid: "u1", generation: 2)
        try resources.connection.script(
            """
            update command set operation = 'instance.stop',
                desired = '{"application":"web","version":"1.0.0","isStopped":true}'
            """
        )
    }

    /// Has the lane take objects of the instance, the Deployment last, as one batch.
    private func tell(_ objects: [String]) throws {
        let all = objects + [AgentMessage.deployment("web", generation: 2)]
        try resources.handle(
            all.enumerated().map { AgentMessage.changed($1, 1, Int64($0) + 1, instance: "web-1") }
        )
    }

    private func isStopped() throws -> Bool { try resources.window("healthy_since") != nil }

    /// Who made the pod, who made its ReplicaSet where one is known, and whether the stop waits for the pod.
    static let pods: [(String?, String?, Bool)] = [
        ("StatefulSet/db", nil, true), ("ReplicaSet/web-1", "Deployment/web", true), ("ReplicaSet/web-1", nil, true),
        ("ReplicaSet/web-1", "", false), ("ReplicaSet/web-1", "Rollout/web", false), ("DaemonSet/log", nil, false),
        ("Job/migrate", nil, false), (nil, nil, false),
    ]

    @Test(arguments: pods)
    func `a stop waits for a pod by who made it`(maker: String?, replicaSet: String?, isWaitedFor: Bool) throws {
        let made = replicaSet.map { AgentMessage.replicaSet("web-1", owner: $0) }
        try tell([made, AgentMessage.pod("web-1-x", owner: maker)].compactMap { $0 })
        #expect(try isStopped() == !isWaitedFor)
    }

    @Test func `a pod of which a worker of a version before stored nothing is waited for`() throws {
        try tell([AgentMessage.pod("web-1-x")])
        #expect(try isStopped())
        try resources.connection.script("update resource set object = null where kind = 'Pod'")
        let web = AgentMessage.deployment("web", generation: 2, available: 0)
        try resources.handle([AgentMessage.changed(web, 1, 3, instance: "web-1")])
        #expect(try !isStopped())
    }
}
