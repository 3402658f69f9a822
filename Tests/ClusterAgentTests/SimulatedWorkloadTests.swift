import ClusterAgent
import Domain
import Testing

/// StatefulSets, init containers, endpoints and Events of the simulated cluster.
struct SimulatedWorkloadTests {
    private func running(_ values: String, pods: Int, failure: SimulatedFailure? = nil) -> ClusterWorld {
        var world = ClusterWorld(failure: failure)
        world.makeNamespace()
        world.start(.web(values: values))
        #expect(world.pass(atMost: 60) { $0.all("Pod").filter(\.isReady).count == pods })
        return world
    }

    private func reasons(_ world: ClusterWorld) -> [String] {
        world.events.compactMap { if case .happened(let event) = $0 { event.reason } else { nil } }
    }

    @Test func `a StatefulSet makes its pods in order and replaces them in the reverse one`() {
        var world = running("statefulSet: true\nreplicaCount: 3", pods: 3)
        #expect(world.all("Pod").map(\.id.name) == ["web-1-0", "web-1-1", "web-1-2"])
        let times = world.all("Pod").map(\.createdAt)
        #expect(times == times.sorted() && Set(times).count == 3, "one after another")
        #expect(world.all("StatefulSet").first?.status?["currentReplicas"]?.int == 3)
        let before = world.all("StatefulSet").first?.status?["currentRevision"]?.string
        var replaced: [String] = []
        world.start(.web(generation: 2, version: "2.0.0", values: "statefulSet: true\nreplicaCount: 3"))
        let isDone = world.pass(atMost: 120) { world in
            for pod in world.pods(generation: 2) where !replaced.contains(pod.id.name) { replaced.append(pod.id.name) }
            return world.pods(generation: 2).filter(\.isReady).count == 3
        }
        #expect(isDone)
        #expect(replaced == ["web-1-2", "web-1-1", "web-1-0"])
        let status = world.all("StatefulSet").first?.status
        #expect(status?["currentRevision"] == status?["updateRevision"])
        #expect(status?["currentRevision"]?.string != before)
        #expect(status?["observedGeneration"]?.int == 2)
    }

    @Test func `a StatefulSet is scaled and stopped from its highest number`() {
        let values = "statefulSet: true\nreplicaCount: 3"
        var world = running(values, pods: 3)
        var request = ReleaseRequested.web(generation: 2, values: values)
        request.replicas = ["StatefulSet/web-1": 1]
        world.start(request)
        #expect(world.pass(atMost: 60) { $0.all("Pod").map(\.id.name) == ["web-1-0"] })
        request.generation = 3
        request.command = "c-3"
        request.stopped = true
        world.start(request)
        #expect(world.pass(atMost: 60) { $0.all("Pod").isEmpty })
        world.start(.web(generation: 4, values: values))
        #expect(world.pass(atMost: 60) { $0.pods(generation: 4).filter(\.isReady).count == 3 })
    }

    @Test func `init containers run one after another before the others, and all are listed`() throws {
        var world = ClusterWorld()
        world.makeNamespace()
        world.start(.web(values: "initContainers: [{name: one, image: a}, {name: two, image: b}]"))
        func states(_ pod: ClusterObject) -> [String] {
            (pod.status?["initContainerStatuses"]?.elements ?? []).map { $0["state"]?.members.first?.name ?? "" }
        }
        #expect(world.pass(atMost: 10) { $0.all("Pod").first.map(states) == ["running", "waiting"] })
        #expect(world.all("Pod").first?.waitingReason == "PodInitializing")
        #expect(world.all("Pod").first?.condition("Initialized")?["status"]?.string == "False")
        #expect(world.pass(atMost: 10) { $0.all("Pod").first.map(states) == ["terminated", "running"] })
        #expect(world.pass(atMost: 10) { $0.all("Pod").first?.isReady == true })
        let pod = try #require(world.all("Pod").first)
        #expect(states(pod) == ["terminated", "terminated"])
        #expect(pod.spec?["initContainers"]?.elements.count == 2 && pod.spec?["nodeName"] != nil)
        #expect(pod.status?["podIP"] != nil && pod.status?["startTime"] != nil)
        let members = ["ready", "restartCount", "state", "lastState"]
        for list in ["containerStatuses", "initContainerStatuses"] {
            let statuses = pod.status?[list]?.elements ?? []
            #expect(!statuses.isEmpty && statuses.allSatisfy { status in members.allSatisfy { status[$0] != nil } })
        }
    }

    @Test func `a service's slice names the pods behind it, ready or not`() throws {
        var world = running("replicaCount: 2", pods: 2)
        #expect(
            world.pass(atMost: 5) {
                let ends = $0.all("EndpointSlice").first?.content?["endpoints"]?.elements ?? []
                return ends.count == 2 && ends.allSatisfy { $0.path("conditions", "ready") == true }
            }
        )
        let slice = try #require(world.all("EndpointSlice").first)
        #expect(slice.owner?.name == "web-1")
        let addresses = slice.content?["endpoints"]?.elements.compactMap { $0["addresses"]?.elements.first?.string }
        #expect(addresses == world.all("Pod").compactMap { $0.status?["podIP"]?.string })
        var stop = ReleaseRequested.web(generation: 2, values: "replicaCount: 2")
        stop.stopped = true
        world.start(stop)
        #expect(
            world.pass(atMost: 30) { $0.all("EndpointSlice").first?.content?["endpoints"]?.elements.isEmpty == true }
        )
    }

    @Test func `a pod's way is told in Events`() {
        var world = running("replicaCount: 1", pods: 1)
        #expect(reasons(world) == ["Scheduled", "Pulling", "Pulled", "Created", "Started"])
        var stop = ReleaseRequested.web(generation: 2, values: "replicaCount: 1")
        stop.stopped = true
        world.start(stop)
        #expect(world.pass(atMost: 30) { $0.all("Pod").isEmpty })
        #expect(reasons(world).last == "Killing")
    }

    @Test(arguments: [
        (SimulatedFailure.imagePull, ["Failed", "BackOff"]), (.crashLoop, ["BackOff"]), (.configError, ["Failed"]),
        (.unschedulable, ["FailedScheduling"]), (.neverReady, ["Unhealthy"]),
    ])
    func `trouble is told in Events, which count on`(failure: SimulatedFailure, wanted: [String]) {
        var world = ClusterWorld(failure: failure)
        world.makeNamespace()
        world.start(.web(values: ""))
        world.pass(seconds: 60)
        let told = world.events.compactMap { if case .happened(let event) = $0 { event } else { nil } }
        #expect(Set(wanted).isSubset(of: told.map(\.reason)))
        for (_, same) in Dictionary(grouping: told, by: \.uid) {
            #expect(same.map(\.count) == Array(1...same.count))
            #expect(Set(same.map(\.message)).count == 1 && Set(same.map(\.firstTime)).count == 1)
        }
        let isRepeated = told.contains { $0.count > 1 }
        #expect(isRepeated == [.imagePull, .crashLoop].contains(failure))
        #expect(told.allSatisfy { $0.instance == "web-1" && $0.kind == "Pod" })
    }
}
