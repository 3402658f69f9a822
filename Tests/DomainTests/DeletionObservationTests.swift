import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// A deletion waits for what helm removes, and for nothing that helm leaves behind.
@Suite(.timeLimit(.minutes(2))) struct DeletionObservationTests {
    private let resources: ResourceWorld

    /// A deletion that the agent has done, of an instance with one Deployment and a hook's Job.
    init() throws {
        resources = try ResourceWorld()
        try resources.openCommand(applied: "web", uid: "u1", generation: 2)
        try resources.connection.script("update command set operation = 'instance.delete'")
        let job =
            #"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"migrate","namespace":"shop","uid":"h1","#
            + #""annotations":{"helm.sh/hook":"pre-install"}}}"#
        try resources.handle([
            AgentMessage.changed(AgentMessage.deployment("web", generation: 2), 1, 1, instance: "web-1"),
            AgentMessage.changed(job, 1, 2, instance: "web-1"),
        ])
    }

    private func tell(secretWith metadata: String) throws {
        let secret =
            #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"password","namespace":"shop","uid":"s1"\#(metadata)}}"#
        try resources.handle([AgentMessage.changed(secret, 1, 3, instance: "web-1")])
    }

    /// Takes the Deployment away; returns whether the deletion is over then.
    private func isOverWithoutDeployment() throws -> Bool {
        #expect(try resources.window("healthy_since") == nil, "the Deployment is left")
        try resources.handle([AgentMessage.gone("Deployment", "web", uid: "u1", 1, 4)])
        return try resources.window("healthy_since") != nil
    }

    @Test(arguments: [
        (#","annotations":{"helm.sh/resource-policy":"keep"}"#, true),
        (#","annotations":{"helm.sh/hook":"pre-install"}"#, true),
        (#","ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"migrate","uid":"h1"}]"#, true),
        (#","annotations":{"helm.sh/resource-policy":"other"}"#, false), ("", false),
    ])
    func `a secret that helm leaves behind is not waited for, any other is`(metadata: String, isLeft: Bool) throws {
        try tell(secretWith: metadata)
        #expect(try isOverWithoutDeployment() == isLeft)
    }

    @Test func `a secret of which a worker of the version before stored nothing is not waited for`() throws {
        try tell(secretWith: "")
        try resources.connection.script("update resource set object = null where kind = 'Secret'")
        #expect(try isOverWithoutDeployment())
    }

    @Test(arguments: [#""helm.sh/resource-policy":"keep""#, #""helm.sh/hook":"pre-install""#])
    func `what belongs to something that helm leaves behind is not waited for, at whatever remove`(mark: String) throws
    {
        func object(_ apiVersion: String, _ kind: String, _ uid: String, _ more: String) -> String {
            #"{"apiVersion":"\#(apiVersion)","kind":"\#(kind)","metadata":{"name":"\#(uid)","namespace":"shop","#
                + #""uid":"\#(uid)",\#(more)}}"#
        }
        func owner(_ kind: String, _ uid: String) -> String {
            #""ownerReferences":[{"apiVersion":"apps/v1","kind":"\#(kind)","name":"\#(uid)","uid":"\#(uid)"}]"#
        }
        let chain = [
            object("apps/v1", "Deployment", "k1", #""annotations":{\#(mark)}"#),
            object("apps/v1", "ReplicaSet", "k2", owner("Deployment", "k1")),
            object("v1", "Pod", "k3", owner("ReplicaSet", "k2")),
        ]
        for (index, object) in chain.enumerated() {
            try resources.handle([AgentMessage.changed(object, 1, Int64(3 + index), instance: "web-1")])
        }
        try resources.handle([AgentMessage.gone("Deployment", "web", uid: "u1", 1, 6)])
        #expect(try resources.window("healthy_since") != nil)
    }
}
