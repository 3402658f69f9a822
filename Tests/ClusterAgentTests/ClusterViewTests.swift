import Domain
import JSON
import Testing

@testable import ClusterAgent

/// What an agent keeps of its cluster between two looks.
@Suite struct ClusterViewTests {
    private let pods = WatchedKind("v1", "Pod")

    private func view() -> ClusterView {
        let view = ClusterView(kinds: [pods, WatchedKind("v1", "Secret")])
        _ = view.note(ClusterView.Namespace(uid: "n-1", isTerminating: false), name: "shop")
        return view
    }

    private func pod(_ name: String, version: Int = 1, instance: String? = nil) throws -> ClusterObject {
        let labels = instance.map { #","labels":{"slipway.io/instance":"\#($0)"}"# } ?? ""
        let json = """
            {"metadata":{"name":"\(name)","namespace":"shop","uid":"u-\(name)","resourceVersion":"\(version)"\(labels)}}
            """
        return try #require(ClusterObject(try ObjectValue(answer: Array(json.utf8)), of: pods))
    }

    @Test func `ten thousand objects that change ten times are told once each, a bounded number at a time`() throws {
        let view = view()
        for version in 1...10 {
            for number in 0..<10_000 { view.put(try pod("p\(number)", version: version), kind: pods) }
        }
        var told: [String: String] = [:]
        var polls = 0
        while true {
            let events = view.poll()
            guard !events.isEmpty else { break }
            #expect(events.count <= ClusterView.changesPerPoll)
            polls += 1
            for case .changed(let object) in events {
                #expect(told.updateValue(object.resourceVersion, forKey: object.id.name) == nil)
            }
        }
        #expect(told.count == 10_000 && told.values.allSatisfy { $0 == "10" } && polls == 20)
        #expect(view.count == 10_000)
    }

    @Test func `Events that nobody can be told of wait once each, and not without end`() {
        let view = view()
        func event(_ uid: Int, count: Int) -> KubernetesEvent {
            KubernetesEvent(
                namespace: "shop",
                kind: "Pod",
                name: "p",
                instance: nil,
                type: "Warning",
                reason: "BackOff",
                message: "m",
                count: count,
                firstTime: "t",
                lastTime: "t",
                uid: "\(uid)"
            )
        }
        for count in 1...3 { for uid in 0..<20_000 { view.tell(event(uid, count: count)) } }
        let told = view.poll()
        #expect(told.count == ClusterView.mostHappened)
        #expect(told.allSatisfy { if case .happened(let event) = $0 { event.count == 3 } else { false } })
        #expect(view.poll().isEmpty)
    }

    @Test func `what is not in a new list is gone, and what has not changed is not told again`() throws {
        let view = view()
        view.replace([try pod("a"), try pod("b")], in: "shop", kind: pods)
        #expect(view.poll().count == 2)
        view.replace([try pod("b"), try pod("c")], in: "shop", kind: pods)
        let events = view.poll()
        #expect(events.count == 2)
        guard case .gone(let gone) = events[0], case .changed(let new) = events[1] else {
            Issue.record("\(events)")
            return
        }
        #expect(gone.id.name == "a" && new.id.name == "c")
    }

    @Test func `an object that is gone before it was told is told as gone`() throws {
        let view = view()
        view.put(try pod("a"), kind: pods)
        view.remove(try pod("a").id, kind: pods)
        guard case .gone = try #require(view.poll().first) else {
            Issue.record("it is something else")
            return
        }
    }

    @Test func `an object that was made again stays when the one before it is told as gone`() throws {
        let view = view()
        let pod = try pod("a")
        view.put(pod, kind: pods)
        view.remove(pod.id, kind: pods, uid: "one before")
        #expect(view.count == 1)
        view.remove(pod.id, kind: pods, uid: pod.uid)
        #expect(view.count == 0)
    }

    @Test func `a namespace is listed when every kind is, and takes all its objects with it`() throws {
        let view = view()
        #expect(!view.isListed("shop"))
        view.replace([try pod("a")], in: "shop", kind: pods)
        #expect(!view.isListed("shop"))
        view.replace([], in: "shop", kind: WatchedKind("v1", "Secret"))
        #expect(view.isListed("shop"))
        _ = view.poll()
        view.drop(namespace: "shop")
        #expect(view.namespaces.isEmpty && view.poll().count == 1)
        view.put(try pod("late"), kind: pods)
        #expect(view.poll().isEmpty, "a watch that ends late tells nothing of a namespace that is gone")
    }

    private func release(_ instance: String, generation: Int64 = 3) -> ClusterWork {
        var request = ReleaseRequested.web(generation: generation)
        (request.namespace, request.instance) = ("shop", instance)
        return .release(request)
    }

    @Test func `marks count for the life of the namespace that they were made in`() throws {
        let view = view()
        let work = release("web")
        var record = MarkRecord(work, namespaceUID: "n-1")
        record.registries = ["pull"]
        record.podMark = PodMark(label: "network.slipway.io/front", instances: ["web"])
        let manifest = try record.manifest(cluster: "east", home: "slipway")
        view.keep(try #require(MarkRecord(configMap: manifest)))
        let removal = NamespaceRemovalRequested(
            command: "n",
            generation: 9,
            environment: "e",
            namespace: "shop",
            deadline: ""
        )
        view.keep(MarkRecord(.namespaceRemoval(removal), namespaceUID: "n-1"))
        #expect(view.record(of: work.subject)?.mark == work.mark)
        #expect(view.podMarks(of: "web", in: "shop") == ["network.slipway.io/front"])
        view.drop(namespace: "shop")
        #expect(view.record(of: work.subject) == nil && view.podMarks(of: "web", in: "shop").isEmpty)
        #expect(view.record(of: .namespace("shop"))?.generation == 9, "a removal is remembered")
        _ = view.note(ClusterView.Namespace(uid: "n-2", isTerminating: false), name: "shop")
        #expect(view.record(of: work.subject) == nil && view.records(in: "shop").isEmpty, "another life")
    }

    @Test func `each mark is a config map of its own, whatever its subject is called`() throws {
        let names = try [release("a"), release("b"), release(String(repeating: "x", count: 300))].map { work in
            let manifest = try MarkRecord(work, namespaceUID: "n").manifest(cluster: "east", home: "slipway")
            #expect(manifest.path("metadata", "namespace") == "slipway")
            return try #require(manifest.path("metadata", "name")?.string)
        }
        #expect(names[0] == "slipway-mark.shop.release.a" && Set(names).count == 3)
        #expect(names.allSatisfy { $0.utf8.count <= 253 })
    }

    @Test func `a config map that is no mark is as none`() {
        for data: ObjectValue in [.empty, ["mark": "no json"], ["mark": "{}"], ["other": "{}"]] {
            #expect(MarkRecord(configMap: ["data": data]) == nil)
        }
    }

    @Test func `only marks of what is gone are forgotten, after a month`() {
        let day: Int64 = 86_400 * 1_000_000
        let removal = RemovalRequested(command: "c", generation: 1, namespace: "shop", instance: "web", deadline: "")
        var removed = MarkRecord(.removal(removal), namespaceUID: "n")
        var running = MarkRecord(release("web"), namespaceUID: "n")
        (removed.at, running.at) = (0, 0)
        #expect(!removed.isForgotten(now: 29 * day, namespace: "n"))
        #expect(removed.isForgotten(now: 31 * day, namespace: "n"))
        #expect(!running.isForgotten(now: 400 * day, namespace: "n"))
        #expect(running.isForgotten(now: 31 * day, namespace: nil), "its namespace was deleted by hand")
        #expect(running.isForgotten(now: 31 * day, namespace: "another life"))
        #expect(!running.isForgotten(now: 29 * day, namespace: nil))
    }

    @Test func `what leaves nothing in the cluster is a removal, and its mark is forgotten like one`() {
        var request = ObjectsRequested(
            command: "c",
            generation: 1,
            namespace: "shop",
            subject: ObjectSubject(kind: "network", name: "front"),
            objects: [],
            removed: [ObjectReference(apiVersion: "v1", kind: "Service", name: "front")],
            deadline: ""
        )
        #expect(MarkRecord(.objects(request), namespaceUID: "n").isRemoval)
        request.secrets = [SealedSecret(name: "mail", type: "Opaque", values: [:])]
        #expect(!MarkRecord(.objects(request), namespaceUID: "n").isRemoval)
        (request.objects, request.secrets) = ([["kind": "Service"]], nil)
        #expect(!MarkRecord(.objects(request), namespaceUID: "n").isRemoval)
    }

    @Test func `a view that is closed holds nothing and takes nothing`() throws {
        let view = view()
        view.put(try pod("web"), kind: pods)
        view.close()
        #expect(!view.note(ClusterView.Namespace(uid: "n-2", isTerminating: false), name: "shop"))
        view.put(try pod("api"), kind: pods)
        view.tell(.agentFault(.restart))
        #expect(view.count == 0 && view.namespaces.isEmpty && view.poll().isEmpty)
    }

    @Test func `a pod's containers are told as what they are, and without what may be secret`() throws {
        let json = """
            {"metadata":{"name":"web","namespace":"shop","uid":"u","resourceVersion":"1"},"spec":{
            "initContainers":[{"name":"proxy","restartPolicy":"Always","env":[{"name":"K","value":"hunter2"}]}],
            "containers":[{"name":"web","args":["hunter2"]}],
            "ephemeralContainers":[{"name":"debug","command":["hunter2"]}]},
            "status":{"phase":"Running","conditions":[{"type":"Initialized","status":"True"}],
            "initContainerStatuses":[{"name":"proxy","started":true,"ready":true,"state":{"running":{}}}],
            "containerStatuses":[{"name":"web","ready":true,"state":{"running":{}}}]}}
            """
        let object = try #require(ClusterObject(try ObjectValue(answer: Array(json.utf8)), of: pods))
        #expect(!String(decoding: object.json, as: UTF8.self).contains("hunter2"))
        let rows = try ContainerList.rows(ofPod: object.json, parser: JSONParser())
        #expect(rows.map(\.container) == ["proxy", "web", "debug"])
        #expect(rows.map(\.role) == [.sidecar, .main, .ephemeral])
        #expect(rows.allSatisfy { $0.podState == "Running" }, "and not Init:0/1")
    }

    @Test func `what a CronJob runs is told without what may be secret, as its pods are`() throws {
        let json = """
            {"metadata":{"name":"nightly","namespace":"shop","uid":"u","resourceVersion":"1"},
            "spec":{"schedule":"0 3 * * *","jobTemplate":{"spec":{"backoffLimit":2,"template":{"spec":{
            "containers":[{"name":"run","image":"r.example/run:1","env":[{"name":"K","value":"hunter2"}],
            "args":["hunter2"]}],"volumes":[{"name":"hunter2"}]}}}}}}
            """
        let answer = try ObjectValue(answer: Array(json.utf8))
        var object = try #require(ClusterObject(answer, of: WatchedKind("batch/v1", "CronJob")))
        #expect(!String(decoding: object.json, as: UTF8.self).contains("hunter2"))
        let spec = try #require(object.spec)
        #expect(spec["schedule"] == "0 3 * * *" && spec.path("jobTemplate", "spec", "backoffLimit") == 2)
        let containers = spec.path("jobTemplate", "spec", "template", "spec", "containers")
        let told: ObjectValue = [["name": "run", "image": "r.example/run:1"]]
        #expect(containers == told)
        object.spec = ["jobTemplate": ["spec": ["template": ["spec": ["containers": [["env": ["hunter2"]]]]]]]]
        #expect(!String(decoding: object.json, as: UTF8.self).contains("hunter2"), "nor by a cluster that is played")
    }

    @Test func `NULs in an object are replaced, and nothing that looks like one`() throws {
        let message = #"\u0000 a\\u0000 \\\u0000"#
        let json = """
            {"metadata":{"name":"web","namespace":"shop","uid":"u","resourceVersion":"1"},"status":{"message":"\(message)"}}
            """
        let object = try #require(ClusterObject(try ObjectValue(answer: Array(json.utf8)), of: pods))
        let told = try ObjectValue(answer: object.json)
        #expect(told.path("status", "message")?.string == "\u{FFFD} a\\u0000 \\\u{FFFD}")
    }

    @Test func `of an object that no message can hold its metadata is told`() throws {
        let long = String(repeating: "x", count: ClusterObject.mostBytes)
        let json = """
            {"metadata":{"name":"web","namespace":"shop","uid":"u","resourceVersion":"1"},"status":{"message":"\(long)"}}
            """
        let object = try #require(ClusterObject(try ObjectValue(answer: Array(json.utf8)), of: pods))
        let told = try ObjectValue(answer: object.json)
        #expect(told.path("metadata", "uid") == "u" && told["status"] == nil && object.json.count < 1000)
    }
}
