import JSON
import Postgres
import Testing

@testable import ClusterAgent
@testable import Domain
@testable import WorkerRuntime

/// Numbers from outside may be any that 64 bits hold: what is computed with them ends no worker.
@Suite struct OutsideNumberTests {
    private func health(_ kind: String, _ json: String) throws -> Health {
        try JSONParser().withDocument(Array(json.utf8)) {
            OwnHealth.assess(KubernetesObject($0), kind: kind, apiVersion: "apps/v1").health
        }
    }

    @Test(arguments: [Int64.min, .max])
    func `a StatefulSet's partition may be any`(partition: Int64) throws {
        for wanted in [0, Int64.min, .max] {
            let json = """
                {"metadata":{"generation":1},"spec":{"replicas":\(wanted),"updateStrategy":{"type":"RollingUpdate",
                "rollingUpdate":{"partition":\(partition)}}},
                "status":{"observedGeneration":1,"readyReplicas":\(wanted),"updatedReplicas":0}}
                """

            #expect([.healthy, .progressing].contains(try health("StatefulSet", json)))
        }
    }

    @Test(arguments: ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
    func `a workload's counts may be any`(kind: String) throws {
        for (one, other) in [(Int64.min, Int64.max), (.max, .min), (-1, .max)] {
            let json = """
                {"metadata":{"generation":\(one)},"spec":{"replicas":\(one)},
                "status":{"observedGeneration":\(Int64.max),"replicas":\(other),"updatedReplicas":\(one),
                "availableReplicas":\(one),"readyReplicas":\(other),"desiredNumberScheduled":\(other),
                "updatedNumberScheduled":\(one),"numberAvailable":\(one)}}
                """
            #expect([.healthy, .progressing].contains(try health(kind, json)))
        }
    }

    @Test func `counts are of 32 bits, generations are not`() throws {
        let json =
            #"{"spec":{"replicas":4294967296},"status":{"observedGeneration":4294967296,"replicas":-4294967296}}"#
        try JSONParser().withDocument(Array(json.utf8)) { value in
            let object = KubernetesObject(value)
            #expect(object.wantedReplicas == Int64(Int32.max))
            #expect(object.count("replicas") == Int64(Int32.min))
            #expect(object.observedGeneration == 4_294_967_296)
        }
    }

    @Test func `a simulated rollout takes any share and number of pods`() {
        let spec: ObjectValue = [
            "replicas": .int(.max),
            "strategy": ["rollingUpdate": ["maxSurge": .string("\(Int64.max)%"), "maxUnavailable": .int(.max)]],
        ]
        let update = RollingUpdate(spec: spec)
        #expect(update.newSize(now: 0, total: 0) == Int64(Int32.max))
        #expect(update.shrinkable(oldTotal: 1, oldAvailable: 1, newSize: 0, newAvailable: 0) == 1)
    }

    @Test func `what an agent leaves out is counted up to what there is room for`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("update cluster set gaps = \(Int64.max - 5) where cluster = 'c1'")
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        let most = Int64(String(repeating: "9", count: 18)) ?? 0
        #expect(try world.follow([world.status("heartbeat", beat, epoch: 1, sequence: most)]) == [.applied])
        #expect(try world.text("select gaps::text from cluster where cluster = 'c1'") == "\(Int64.max)")
    }

    @Test(arguments: [Int64.max, 1_000_000_000_000_000_000])
    func `a number of more than 18 digits is refused`(number: Int64) throws {
        let world = try CommandWorld.ready()
        let beat = #"{"boot":"\#(CommandWorld.boot)"}"#
        let outcomes = try world.follow([world.status("heartbeat", beat, epoch: 1, sequence: number)])
        guard case .deadLettered(let reason) = outcomes[0] else {
            Issue.record("it was followed")
            return
        }
        #expect(reason.code == "invalid_attribute" && reason.field == "ce_sequence")
    }
}
