import Domain
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// Single objects on a server that has others of their names, or none of their kind.
@Suite(.timeLimit(.minutes(1)))
struct WorkRunnerObjectTests {
    private static let services = "\(ObjectServer.shop)/services"

    /// An object that is there already, with what it is marked with.
    private static func there(
        _ name: String,
        kind: String,
        labels: ObjectValue = .empty,
        annotations: ObjectValue = .empty
    ) -> ObjectValue {
        var object = ObjectValue.named(name, kind: kind)
        object["metadata"] = [
            "name": .string(name), "namespace": "shop", "uid": "before", "resourceVersion": "1", "labels": labels,
            "annotations": annotations,
        ]
        return object
    }

    // MARK: Whose an object is

    @Test func `a network does not take a Service that a release made`() async throws {
        let service = Self.there("web", kind: "Service", labels: ["slipway.io/instance": "web-1"])
        let server = try await ObjectServer(["\(Self.services)/web": service])
        let others = [ObjectValue.named("other", kind: "ConfigMap"), .named("web", kind: "Service")]
        let ends = try await server.finish([.objects(.of("network", "web", others))])
        let failure = try #require(ends.first ?? nil)
        #expect(failure.code == "name_taken")
        #expect(failure.message.contains("The Service 'web' belongs to the release 'web-1', so the network 'web'"))
        #expect(server.changes.isEmpty, "nothing of it is applied")
    }

    @Test func `a removal leaves what is another's, and takes what an older agent has marked`() async throws {
        let taken = Self.there("web", kind: "Service", annotations: ["meta.helm.sh/release-name": "web"])
        let own = Self.there("old", kind: "Service", labels: ["slipway.io/object": "network.web"])
        let server = try await ObjectServer(["\(Self.services)/web": taken, "\(Self.services)/old": own])
        let removed = ["web", "old"].map { ObjectReference(apiVersion: "v1", kind: "Service", name: $0) }
        #expect(try await server.finish([.objects(.of("network", "web", removed: removed))]) == [nil])
        #expect(server.changes == ["DELETE \(Self.services)/old"])
    }

    @Test(arguments: [ObjectValue.empty, ["slipway.io/object": "network.front"]])
    func `what was made by hand, or marked by an older agent, is applied over`(labels: ObjectValue) async throws {
        let path = "\(Self.services)/front"
        let server = try await ObjectServer([path: Self.there("front", kind: "Service", labels: labels)])
        let work = ClusterWork.objects(.of("network", "front", [.named("front", kind: "Service")]))
        #expect(try await server.finish([work]) == [nil])
        let metadata = try #require(server.object(path)?["metadata"])
        #expect(metadata.path("annotations", "slipway.io/object") == "network.front")
        #expect(metadata.path("labels", "slipway.io/object") == nil)
    }

    @Test(
        arguments: [
            ([:], [:], nil), (["app": "web"], ["note": "x"], nil),
            (["slipway.io/instance": "web"], [:], .release("web")),
            ([:], ["meta.helm.sh/release-name": "web"], .release("web")),
            (["slipway.io/object": "secret.a"], [:], .subject("secret.a")),
            (["slipway.io/object": "secret.a"], ["slipway.io/object": "secret.b"], .subject("secret.b")),
            ([:], ["cert-manager.io/certificate-name": "shop"], .subject("certificate.shop")),
            (["slipway.io/object": "network.web"], ["meta.helm.sh/release-name": "web"], .release("web")),
        ] as [([String: String], [String: String], LiveOwner?)]
    )
    func `an object says whose it is`(labels: [String: String], annotations: [String: String], owner: LiveOwner?) {
        #expect(LiveOwner(labels: labels, annotations: annotations) == owner)
    }

    @Test(arguments: [("network", 63), ("domain", 253), ("certificate", 253), ("config-map", 253), ("secret", 253)])
    func `the longest name of a concept makes labels that a cluster takes`(kind: String, length: Int) async throws {
        let name = String(repeating: "n", count: length)
        let server = try await ObjectServer()
        let request = ObjectsRequested.of(kind, name, [.named(name, kind: "ConfigMap")])
        #expect(try await server.finish([.objects(request)]) == [nil])
        let metadata = try #require(server.object("\(ObjectServer.shop)/configmaps/\(name)")?["metadata"])
        let labels = (metadata["labels"] ?? .empty).texts
        #expect(!labels.isEmpty && labels.values.allSatisfy(LabelValue.isValid))
        #expect(metadata.path("annotations", "slipway.io/object")?.string == "\(kind).\(name)")
    }

    // MARK: Going and coming

    @Test func `what is made again while it goes away is applied once it is gone`() async throws {
        let path = "\(Self.services)/front"
        let isFirst = Mutex(true)
        let dying = Self.there("front", kind: "Service").merging([
            "metadata": ["name": "front", "uid": "before", "deletionTimestamp": "2026-11-23T08:00:00Z"]
        ])
        let answer = String(decoding: dying.json, as: UTF8.self)
        let server = try await ObjectServer { request in
            guard request.method == "PATCH", request.path == path else { return nil }
            return isFirst.withLock { isFirst -> APIServerDouble.Answer? in
                defer { isFirst = false }
                guard isFirst else { return nil }
                return (200, answer)
            }
        }
        let work = ClusterWork.objects(.of("network", "front", [.named("front", kind: "Service")]))
        #expect(try await server.finish([work]) == [nil])
        #expect(server.changes == ["PATCH \(path)", "PATCH \(path)"])
        #expect(server.object(path) != nil)
    }

    @Test func `what does not go away is waited for only as long as somebody wants it`() async throws {
        let path = "\(Self.services)/front"
        let dying = Self.there("front", kind: "Service").merging([
            "metadata": ["name": "front", "uid": "before", "deletionTimestamp": "2026-11-23T08:00:00Z"]
        ])
        let answer = String(decoding: dying.json, as: UTF8.self)
        let server = try await ObjectServer { $0.path == path ? (200, answer) : nil }
        let work = ClusterWork.objects(.of("network", "front", [.named("front", kind: "Service")]))
        let ends = try await server.finish([work], isGivenUp: true)
        let failure = try #require(ends.first ?? nil)
        #expect(failure.code == "apply_failed" && failure.message.contains("does not go away"))
        #expect(server.changes == ["PATCH \(path)"])
    }

    /// What is there once a finalizer has let go of an object: nothing, or another of its name.
    private static let successors: [ObjectValue?] = [
        nil, ["kind": "Service", "metadata": ["name": "front", "uid": "next"]],
    ]

    @Test(arguments: successors)
    func `a removal is done when the object is gone, or another has its name`(next: ObjectValue?) async throws {
        let path = "\(Self.services)/front"
        let looks = Mutex(0)
        let held = String(decoding: Self.there("front", kind: "Service").json, as: UTF8.self)
        let server = try await ObjectServer { request in
            guard request.path == path else { return nil }
            if request.method == "DELETE" { return (200, "{}") }
            let look = looks.withLock { looks -> Int in
                looks += 1
                return looks
            }
            guard look > 3 else { return (200, held) }
            return next.map { (200, String(decoding: $0.json, as: UTF8.self)) } ?? (404, #"{"reason":"NotFound"}"#)
        }
        let removed = [ObjectReference(apiVersion: "v1", kind: "Service", name: "front")]
        #expect(try await server.finish([.objects(.of("network", "front", removed: removed))]) == [nil])
        #expect(looks.withLock { $0 } > 3, "it has waited")
        #expect(server.changes == ["DELETE \(path)"])
    }

    @Test func `what a finalizer holds does not count as removed`() async throws {
        let path = "\(Self.services)/front"
        let held = String(decoding: Self.there("front", kind: "Service").json, as: UTF8.self)
        let server = try await ObjectServer { $0.path == path ? (200, held) : nil }
        let removed = [ObjectReference(apiVersion: "v1", kind: "Service", name: "front")]
        let work = ClusterWork.objects(.of("network", "front", removed: removed))
        let failure = try #require(try await server.finish([work], isGivenUp: true).first ?? nil)
        #expect(failure.code == "objects_terminating" && failure.message.contains("The Service 'front'"))
    }

    @Test func `what a finalizer holds keeps nothing else from being removed`() async throws {
        let (front, settings) = ("\(Self.services)/front", "\(ObjectServer.shop)/configmaps/settings")
        let held = String(decoding: Self.there("front", kind: "Service").json, as: UTF8.self)
        let server = try await ObjectServer([settings: Self.there("settings", kind: "ConfigMap")]) {
            $0.path == front ? (200, held) : nil
        }
        let removed = [("Service", "front"), ("ConfigMap", "settings")].map { kind, name in
            ObjectReference(apiVersion: "v1", kind: kind, name: name)
        }
        let work = ClusterWork.objects(.of("network", "front", removed: removed))
        let failure = try #require(try await server.finish([work], isGivenUp: true).first ?? nil)
        #expect(failure.code == "objects_terminating" && failure.message.contains("The Service 'front'"))
        #expect(server.changes == ["DELETE \(front)", "DELETE \(settings)"])
    }

    @Test func `a kind that a cluster serves in an older version only is applied and removed in that one`() async throws
    {
        let group = "/apis/discovery.k8s.io/v1beta1"
        let server = try await ObjectServer(groups: [group: [("endpointslices", "EndpointSlice")]])
        let slice = ObjectValue.named("legacy-1", kind: "EndpointSlice", "discovery.k8s.io/v1")
        let reference = ObjectReference(apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", name: "legacy-1")
        let applied = ClusterWork.objects(.of("network", "legacy", [slice]))
        let removed = ClusterWork.objects(.of("network", "legacy", removed: [reference], generation: 2))
        #expect(try await server.finish([applied, removed]) == [nil, nil])
        let path = "\(group)/namespaces/shop/endpointslices/legacy-1"
        #expect(server.changes == ["PATCH \(path)", "DELETE \(path)"])
        let body = try #require(server.double.asked.first { $0.method == "PATCH" && $0.path == path }?.body)
        #expect(try ObjectValue(answer: body)["apiVersion"] == "discovery.k8s.io/v1beta1")
    }

    // MARK: Labels on pods

    private static func pod(_ name: String, of instance: String, _ labels: ObjectValue = .empty) -> ObjectValue {
        let instance: ObjectValue = ["slipway.io/instance": .string(instance)]
        return there(name, kind: "Pod", labels: instance.merging(labels))
    }

    private static func front(
        _ instances: [String],
        generation: Int64 = 1,
        _ others: [ObjectValue] = []
    ) -> ClusterWork {
        let mark = PodMark(label: "network.slipway.io/front", instances: instances)
        let objects = [ObjectValue.named("front", kind: "Service")] + others
        return .objects(.of("network", "front", objects, podMark: mark, generation: generation))
    }

    @Test func `pods have the label of a network before its Service asks for it`() async throws {
        let pods = "\(ObjectServer.shop)/pods"
        let server = try await ObjectServer([
            "\(pods)/a": Self.pod("a", of: "web-1"), "\(pods)/b": Self.pod("b", of: "web-2"),
        ])
        #expect(try await server.finish([Self.front(["web-1", "web-2"])]) == [nil])
        #expect(server.changes.prefix(3) == ["PATCH \(pods)/a", "PATCH \(pods)/b", "PATCH \(Self.services)/front"])
    }

    /// What the server refuses of a change of a network, and how often the agent then takes the label from a pod.
    ///
    /// Here no watch tells of a label: the pods keep those that they had at first in what the agent sees of them.
    @Test(arguments: [("services/front", 2), ("configmaps/more", 1)])
    func `a change of a network that fails leaves it with the pods of before, unless its Service is changed already`(
        refused: String,
        removals: Int
    ) async throws {
        let pod = "\(ObjectServer.shop)/pods/b"
        let isMade = Mutex(false)
        let server = try await ObjectServer([pod: Self.pod("b", of: "web-2", ["network.slipway.io/front": "true"])]) {
            guard $0.method == "PATCH" else { return nil }
            if $0.path.contains("/namespaces/slipway/") { isMade.withLock { $0 = true } }
            let isRefused = isMade.withLock { $0 } && $0.path.hasSuffix(refused)
            return isRefused ? (422, #"{"reason":"Invalid","message":"no"}"#) : nil
        }
        let change = Self.front(["web-1", "web-2"], generation: 2, [.named("more", kind: "ConfigMap")])
        let ends = try await server.finish([Self.front(["web-1"]), change])
        #expect(ends.map { $0?.code } == [nil, "apply_failed"])
        let sent = try server.double.asked.filter { $0.method == "PATCH" && $0.path == pod }
            .map { try ObjectValue(answer: $0.body) }
        let removal: ObjectValue = ["metadata": ["labels": ["network.slipway.io/front": .null]]]
        #expect(sent == [ObjectValue](repeating: removal, count: removals))
    }

    @Test func `an agent without marks leaves the labels of networks that it does not know`() async throws {
        let pod = "\(ObjectServer.shop)/pods/a"
        let server = try await ObjectServer([
            pod: Self.pod("a", of: "web-1", ["network.slipway.io/front": "true", "network.slipway.io/other": "true"])
        ])
        let settings = ClusterWork.objects(.of("config-map", "settings", [.named("settings", kind: "ConfigMap")]))
        #expect(try await server.finish([settings]) == [nil])
        #expect(!server.changes.contains("PATCH \(pod)"))
        // Now it knows one of them, which is not for this pod.
        #expect(try await server.finish([Self.front(["web-2"])]) == [nil])
        let patches = server.double.asked.filter { $0.method == "PATCH" && $0.path == pod }
        let removal: ObjectValue = ["metadata": ["labels": ["network.slipway.io/front": .null]]]
        let sent = try patches.map { try ObjectValue(answer: $0.body) }
        #expect(!sent.isEmpty && sent.allSatisfy { $0 == removal })
    }
}
