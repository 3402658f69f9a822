import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// How a command goes on while its objects change, in the database: a rollout that advances extends its step.
@Suite(.timeLimit(.minutes(2))) struct StepExtensionTests {
    private let resources: ResourceWorld
    /// When ``ResourceWorld`` begins; each batch is handled a second later.
    private static let begin: Int64 = 1_790_000_000

    /// A command that was applied; its healthy step may take 600 seconds and has 100 left.
    init() throws {
        resources = try ResourceWorld()
        try resources.openCommand(applied: "web", uid: "u1", generation: 2)
        try limit("step_deadline", 100)
        try limit("deadline", 3600)
    }

    private func limit(_ column: String, _ seconds: Int64) throws {
        try resources.connection.script("update command set \(column) = to_timestamp(\(Self.begin + seconds))")
    }

    /// Tells, as the number of a batch, of a Deployment's pods: how many there are, are new, are ready.
    ///
    /// - Returns: The seconds from the beginning to the step's deadline.
    private func tell(_ number: Int64, _ existing: Int, _ updated: Int, _ ready: Int, generation: Int = 2) throws
        -> Int64?
    {
        let deployment =
            #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"u1","#
            + #""generation":\#(generation),"resourceVersion":"7"},"spec":{"replicas":3},"status":{"#
            + #""observedGeneration":\#(generation),"replicas":\#(existing),"updatedReplicas":\#(updated),"#
            + #""readyReplicas":\#(ready),"availableReplicas":\#(ready)}}"#
        // A pod that changes each time has the command looked at each time.
        let pod = AgentMessage.pod("web-a", isReady: number % 2 == 0, owner: "ReplicaSet/web")
        try resources.handle([
            AgentMessage.changed(deployment, 1, 2 * number - 1, instance: "web-1"),
            AgentMessage.changed(pod, 1, 2 * number, instance: "web-1"),
        ])
        return try resources.window("step_deadline").map { $0 / 1_000_000 - Self.begin }
    }

    @Test func `a rollout that advances has its step's time anew, and one that repeats itself has not`() throws {
        #expect(try tell(1, 3, 3, 3, generation: 1) == 100, "the generation before is not the command's rollout")
        #expect(try tell(2, 3, 0, 3) == 100, "nothing is new yet")
        #expect(try tell(3, 4, 1, 3) == 603, "a new pod")
        #expect(try tell(4, 4, 1, 4) == 604, "it is ready")
        #expect(try tell(5, 4, 1, 3) == 604, "it crashes")
        #expect(try tell(6, 4, 1, 4) == 604, "it is ready again")
        #expect(try tell(7, 3, 1, 3) == 604, "an old pod goes")
        #expect(try tell(8, 4, 2, 3) == 608, "the next new pod")
        try limit("deadline", 609)
        #expect(try tell(9, 4, 2, 3) == 608, "it is not ready yet")
        #expect(try tell(10, 4, 2, 4) == 609, "not beyond the command's absolute limit")
        #expect(try tell(11, 3, 3, 3) == 609)
        #expect(try resources.window("healthy_since") != nil)
    }

    @Test func `a stop is over when the pods have ended, whatever else is unhealthy`() throws {
        try resources.connection.script(
            """
            update command set operation = 'instance.stop',
                desired = '{"application":"web","version":"1.0.0","isStopped":true}',
                objects = objects || '[{"apiVersion":"v1","kind":"PersistentVolumeClaim","namespace":"shop",
                    "name":"data","uid":"c1","generation":0}]'
            """
        )
        let claim =
            #"{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data","namespace":"shop","#
            + #""uid":"c1"},"status":{"phase":"Lost"}}"#
        #expect(try tell(1, 1, 1, 1) == 100, "no rollout extends it")
        try resources.handle([AgentMessage.changed(claim, 1, 3, instance: "web-1")])
        #expect(try resources.window("healthy_since") == nil, "a pod is left")
        #expect(try resources.window("failing_since") == nil, "a lost claim is nothing to a stop")
        try resources.handle([AgentMessage.gone("Pod", "web-a", uid: "p-web-a", 1, 4)])
        #expect(try resources.window("healthy_since") != nil)
        #expect(try resources.window("failing_since") == nil)
    }
}
