import JSON
import Testing

@testable import Domain

/// One pod and the word on it.
struct PodCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let word: String
    let json: String

    init(
        _ description: String,
        _ word: String,
        spec: String = #"{"containers":[{"name":"a"}]}"#,
        meta: String = "",
        _ status: String
    ) {
        testDescription = description
        self.word = word
        json = #"{"metadata":{"name":"web-1"\#(meta)},"spec":\#(spec),"status":{\#(status)}}"#
    }
}

/// The list of containers, with each fault of the original's list as a case.
@Suite struct ContainerListTests {
    static let running = #""state":{"running":{"startedAt":"2026-11-23T08:00:00Z"}}"#
    static func waiting(_ reason: String) -> String { #""state":{"waiting":{"reason":"\#(reason)"}}"# }
    static func ended(_ code: Int, _ reason: String = "", signal: Int = 0) -> String {
        #""state":{"terminated":{"exitCode":\#(code),"reason":"\#(reason)","signal":\#(signal),"startedAt":"2026-11-23T07:00:00Z"}}"#
    }
    static func one(_ state: String, ready: Bool = false) -> String {
        #""containerStatuses":[{"name":"a","ready":\#(ready),\#(state)}]"#
    }
    static func many(_ list: String, _ states: [String]) -> String {
        let all = states.enumerated().map { #"{"name":"\#(["a", "b", "c"][$0.offset])",\#($0.element)}"# }
        return #""\#(list)":[\#(all.joined(separator: ","))]"#
    }
    static func conditions(_ types: String...) -> String {
        #""conditions":[\#(types.map { #"{"type":"\#($0)","status":"True"}"# }.joined(separator: ","))]"#
    }

    static let two = #"{"containers":[{"name":"a"},{"name":"b"}]}"#
    static let inits = #"{"initContainers":[{"name":"a"},{"name":"b"},{"name":"c"}],"containers":[{"name":"x"}]}"#
    static let sidecar =
        #"{"initContainers":[{"name":"a","restartPolicy":"Always"},{"name":"b"}],"containers":[{"name":"x"}]}"#
    static let idle = waiting("PodInitializing")
    static let deleted = #","deletionTimestamp":"2026-11-23T08:00:00Z""#

    static let plain = [
        PodCase("not scheduled", "Pending", #""phase":"Pending""#),
        PodCase("no phase yet", "Unknown", ""),
        PodCase(
            "held back",
            "SchedulingGated",
            #""phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]"#
        ),
        PodCase("running", "Running", #""phase":"Running",\#(one(running, ready: true))"#),
        PodCase("running and not ready", "Running", #""phase":"Running",\#(one(running))"#),
        PodCase("back-off", "CrashLoopBackOff", #""phase":"Running",\#(one(waiting("CrashLoopBackOff")))"#),
        PodCase("killed for its memory", "OOMKilled", #""phase":"Running",\#(one(ended(137, "OOMKilled")))"#),
        PodCase("lost its node", "Unknown", meta: deleted, #""reason":"NodeLost","phase":"Running",\#(one(running))"#),
        PodCase("on its way out", "Terminating", meta: deleted, #""phase":"Running",\#(one(running, ready: true))"#),
        PodCase(
            "done, and on its way out",
            "Completed",
            meta: deleted,
            #""phase":"Succeeded",\#(one(ended(0, "Completed")))"#
        ),
        PodCase(
            "over its time",
            "DeadlineExceeded",
            #""phase":"Failed","reason":"DeadlineExceeded",\#(one(ended(1, "Error")))"#
        ),
        PodCase(
            "one done and one running",
            "Running",
            spec: two,
            #""phase":"Running",\#(conditions("Ready")),"#
                + many("containerStatuses", [ended(0, "Completed"), #""ready":true,"# + running])
        ),
        PodCase(
            "one done and one running in a pod that is not ready",
            "NotReady",
            spec: two,
            #""phase":"Running","# + many("containerStatuses", [ended(0, "Completed"), #""ready":true,"# + running])
        ),
        PodCase(
            "a sidecar that crashes beside a running container",
            "Init:CrashLoopBackOff",
            spec: sidecar,
            #""phase":"Running",\#(conditions("Initialized")),"#
                + #""initContainerStatuses":[{"name":"a","started":false,\#(waiting("CrashLoopBackOff"))}],"#
                + #""containerStatuses":[{"name":"x","ready":true,\#(running)}]"#
        ),
        PodCase(
            "a container that crashes beside a sidecar that crashes",
            "Error",
            spec: sidecar,
            #""phase":"Running",\#(conditions("Initialized")),"#
                + #""initContainerStatuses":[{"name":"a","started":false,\#(waiting("CrashLoopBackOff"))}],"#
                + #""containerStatuses":[{"name":"x","ready":false,\#(ended(1, "Error"))}]"#
        ),
        PodCase(
            "a sidecar that has started",
            "Init:1/2",
            spec: sidecar,
            #""phase":"Pending","# + many("initContainerStatuses", [#""started":true,"# + running, running])
        ),
        PodCase(
            "a sidecar that has not started",
            "Init:0/2",
            spec: sidecar,
            #""phase":"Pending","# + many("initContainerStatuses", [#""started":false,"# + running, idle])
        ),
    ]

    /// What the original showed stands in the name of each.
    static let original = [
        PodCase(
            "a running pod whose init container is done (0.15 showed Init:Completed)",
            "Running",
            spec: inits,
            #""phase":"Running",\#(many("initContainerStatuses", [ended(0, "Completed"), ended(0, "Completed"), ended(0, "Completed")])),"#
                + #""containerStatuses":[{"name":"x","ready":true,\#(running)}]"#
        ),
        PodCase(
            "the second init container is in trouble (looked at the first only)",
            "Init:ImagePullBackOff",
            spec: inits,
            #""phase":"Pending",\#(many("initContainerStatuses", [ended(0, "Completed"), waiting("ImagePullBackOff"), idle]))"#
        ),
        PodCase(
            "the second init container of three runs (showed Init:3)",
            "Init:1/3",
            spec: inits,
            #""phase":"Pending",\#(many("initContainerStatuses", [ended(0, "Completed"), running, idle]))"#
        ),
        PodCase(
            "an init container waits its turn",
            "Init:0/3",
            spec: inits,
            #""phase":"Pending",\#(many("initContainerStatuses", [idle, idle, idle]))"#
        ),
        PodCase(
            "an init container failed",
            "Init:Error",
            spec: inits,
            #""phase":"Pending",\#(many("initContainerStatuses", [ended(1, "Error"), idle]))"#
        ),
        PodCase(
            "an init container failed without a word",
            "Init:ExitCode:2",
            spec: inits,
            #""phase":"Pending",\#(many("initContainerStatuses", [ended(2)]))"#
        ),
        PodCase(
            "an init container was killed",
            "Init:Signal:9",
            spec: inits,
            #""phase":"Pending",\#(many("initContainerStatuses", [ended(137, signal: 9)]))"#
        ),
        PodCase(
            "the second container is in trouble (looked at the first only)",
            "CrashLoopBackOff",
            spec: two,
            #""phase":"Running",\#(many("containerStatuses", [running, waiting("CrashLoopBackOff")]))"#
        ),
        PodCase(
            "an ordinary container is done (showed Init:Completed)",
            "Completed",
            #""phase":"Succeeded",\#(one(ended(0, "Completed")))"#
        ),
        PodCase(
            "an ordinary container failed (showed Init:Error)",
            "Error",
            #""phase":"Failed",\#(one(ended(1, "Error")))"#
        ),
        PodCase(
            "a pending pod's container is made (showed Pending)",
            "ContainerCreating",
            #""phase":"Pending",\#(one(waiting("ContainerCreating")))"#
        ),
        PodCase(
            "a pending pod's image is not there (showed Pending)",
            "ErrImagePull",
            #""phase":"Pending",\#(one(waiting("ErrImagePull")))"#
        ),
        PodCase("ended without a reason (showed nothing)", "ExitCode:3", #""phase":"Failed",\#(one(ended(3)))"#),
        PodCase(
            "killed without a reason (showed nothing)",
            "Signal:15",
            #""phase":"Failed",\#(one(ended(143, signal: 15)))"#
        ),
        PodCase(
            "ended with a null reason (showed nothing)",
            "ExitCode:1",
            #""phase":"Failed",\#(one(#""state":{"terminated":{"exitCode":1,"reason":null}}"#))"#
        ),
        PodCase(
            "on its way out while it crashes (showed CrashLoopBackOff)",
            "Terminating",
            meta: deleted,
            #""phase":"Running",\#(one(waiting("CrashLoopBackOff")))"#
        ),
        PodCase(
            "evicted (was deleted from the list)",
            "Evicted",
            #""phase":"Failed","reason":"Evicted","message":"low on memory""#
        ),
        PodCase(
            "evicted, with containers that were cut off",
            "Evicted",
            #""phase":"Failed","reason":"Evicted",\#(one(ended(137, "ContainerStatusUnknown")))"#
        ),
    ]

    @Test(arguments: plain + original) func `the word on a pod is kubectl's`(_ line: PodCase) throws {
        let rows = try ContainerList.rows(ofPod: Array(line.json.utf8), parser: JSONParser())
        #expect(!rows.isEmpty && rows.allSatisfy { $0.podState == line.word }, "\(rows.first?.podState ?? "no row")")
    }

    @Test func `a row tells all there is of a container`() throws {
        let json =
            #"{"metadata":{"name":"web-1"},"spec":{"nodeName":"node-1","initContainers":[{"name":"setup","image":"s:1"},"#
            + #"{"name":"proxy","image":"p:1","restartPolicy":"Always"}],"containers":[{"name":"web","image":"w:1"},"#
            + #"{"name":"late","image":"l:1"}],"ephemeralContainers":[{"name":"debug","image":"d:1"}]},"#
            + #""status":{"phase":"Running","podIP":"10.0.0.1","#
            + #""initContainerStatuses":[{"name":"setup","ready":true,"restartCount":7,\#(Self.ended(0, "Completed"))},"#
            + #"{"name":"proxy","ready":true,"started":true,"restartCount":1,\#(Self.running)}],"#
            + #""containerStatuses":[{"name":"web","ready":true,"restartCount":2,\#(Self.running)}],"#
            + #""ephemeralContainerStatuses":[{"name":"debug","ready":false,"restartCount":0,\#(Self.ended(1, "Error"))}]}}"#
        let rows = try ContainerList.rows(ofPod: Array(json.utf8), parser: JSONParser())
        func row(
            _ name: String,
            _ role: ContainerRow.Role,
            _ state: String,
            _ isReady: Bool,
            _ restarts: Int64,
            _ started: String?
        ) -> ContainerRow {
            ContainerRow(
                pod: "web-1",
                container: name,
                role: role,
                podState: "Running",
                state: state,
                isReady: isReady,
                restarts: restarts,
                image: "\(name.prefix(1)):1",
                node: "node-1",
                address: "10.0.0.1",
                started: started
            )
        }
        #expect(
            rows == [
                row("setup", .initial, "Completed", false, 7, "2026-11-23T07:00:00Z"),
                row("proxy", .sidecar, "Running", true, 1, "2026-11-23T08:00:00Z"),
                row("web", .main, "Running", true, 2, "2026-11-23T08:00:00Z"),
                row("late", .main, "Running", false, 0, nil),
                row("debug", .ephemeral, "Error", false, 0, "2026-11-23T07:00:00Z"),
            ]
        )
    }

    @Test func `anything may be missing or of another kind`() throws {
        for json in ["{}", "[]", "null", #"{"spec":{"containers":[{}]},"status":{"containerStatuses":[null,1]}}"#] {
            _ = try ContainerList.rows(ofPod: Array(json.utf8), parser: JSONParser())
        }
    }
}
