import JSON
import Testing

@testable import Domain

/// kstatus's rules for what runs pods.
@Suite struct HealthKstatusWorkloadTests {
    /// A Deployment of two replicas with a deadline: replicas, updated, available and ready ones.
    private static func deployment(
        _ replicas: Int,
        _ updated: Int,
        _ available: Int,
        _ ready: Int,
        _ conditions: String = #"{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"},"#
            + #"{"type":"Available","status":"True"}"#,
        deadline: String = #","progressDeadlineSeconds":600"#
    ) -> String {
        #"{"spec":{"replicas":2\#(deadline)},"status":{"replicas":\#(replicas),"updatedReplicas":\#(updated),"#
            + #""availableReplicas":\#(available),"readyReplicas":\#(ready),"conditions":[\#(conditions)]}}"#
    }

    private static let available = #"{"type":"Available","status":"True"}"#

    @Test(arguments: [
        KstatusCase(
            "the deadline is exceeded",
            .failed,
            "ProgressDeadlineExceeded",
            deployment(2, 2, 2, 2, #"{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}"#)
        ),
        KstatusCase("too few", .inProgress, "LessReplicas", deployment(1, 2, 2, 2)),
        KstatusCase("too few updated", .inProgress, "LessUpdated", deployment(2, 1, 2, 2)),
        KstatusCase("too many", .inProgress, "ExtraPods", deployment(3, 2, 2, 2)),
        KstatusCase("too few available", .inProgress, "LessAvailable", deployment(2, 2, 1, 2)),
        KstatusCase("too few ready", .inProgress, "LessReady", deployment(2, 2, 2, 1)),
        KstatusCase("no progress", .inProgress, "ReplicaSetNotAvailable", deployment(2, 2, 2, 2, available)),
        KstatusCase(
            "progress of another reason",
            .inProgress,
            "ReplicaSetNotAvailable",
            deployment(
                2,
                2,
                2,
                2,
                #"{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated"},"# + available
            )
        ),
        KstatusCase("no deadline needs no progress", .current, deployment(2, 2, 2, 2, available, deadline: "")),
        KstatusCase(
            "an endless deadline needs no progress",
            .current,
            deployment(2, 2, 2, 2, available, deadline: #","progressDeadlineSeconds":2147483647"#)
        ),
        KstatusCase(
            "not available",
            .inProgress,
            "DeploymentNotAvailable",
            deployment(2, 2, 2, 2, #"{"type":"Available","status":"False"}"#, deadline: "")
        ),
        KstatusCase("rolled out", .current, deployment(2, 2, 2, 2)),
        KstatusCase("no number means one", .inProgress, "LessReplicas", #"{"spec":{},"status":{}}"#),
    ])
    func deployments(_ line: KstatusCase) throws {
        try line.check("Deployment", "apps/v1")
        try line.check("Deployment", "extensions/v1beta1")
    }

    /// A ReplicaSet of two replicas: labelled, available, ready and existing ones.
    private static func replicaSet(_ labelled: Int, _ available: Int, _ ready: Int, _ replicas: Int) -> String {
        #"{"spec":{"replicas":2},"status":{"fullyLabeledReplicas":\#(labelled),"availableReplicas":\#(available),"#
            + #""readyReplicas":\#(ready),"replicas":\#(replicas)}}"#
    }

    @Test(arguments: [
        KstatusCase("a failure", .inProgress, "ReplicaFailure", object(conditions: "ReplicaFailure=True")),
        KstatusCase("too few labelled", .inProgress, "LessLabelled", replicaSet(1, 2, 2, 2)),
        KstatusCase("too few available", .inProgress, "LessAvailable", replicaSet(2, 1, 2, 2)),
        KstatusCase("too few ready", .inProgress, "LessReady", replicaSet(2, 2, 1, 2)),
        KstatusCase("too many", .inProgress, "ExtraPods", replicaSet(2, 2, 2, 3)),
        KstatusCase("available", .current, replicaSet(2, 2, 2, 2)),
        KstatusCase("no number means one", .inProgress, "LessLabelled", "{}"),
    ])
    func `replica sets`(_ line: KstatusCase) throws { try line.check("ReplicaSet", "apps/v1") }

    /// A StatefulSet of three replicas: existing, ready, current and updated ones.
    private static func statefulSet(
        _ replicas: Int,
        _ ready: Int,
        _ current: Int,
        _ updated: Int,
        strategy: String = "{}",
        revision: String = "b"
    ) -> String {
        #"{"spec":{"replicas":3,"updateStrategy":\#(strategy)},"status":{"replicas":\#(replicas),"#
            + #""readyReplicas":\#(ready),"currentReplicas":\#(current),"updatedReplicas":\#(updated),"#
            + #""currentRevision":"\#(revision)","updateRevision":"b"}}"#
    }

    private static let partition = #"{"type":"RollingUpdate","rollingUpdate":{"partition":1}}"#

    @Test(arguments: [
        KstatusCase("on delete", .current, statefulSet(0, 0, 0, 0, strategy: #"{"type":"OnDelete"}"#)),
        KstatusCase("too few", .inProgress, "LessReplicas", statefulSet(2, 3, 3, 3)),
        KstatusCase("too few ready", .inProgress, "LessReady", statefulSet(3, 2, 3, 3)),
        KstatusCase("too many", .inProgress, "ExtraPods", statefulSet(4, 4, 3, 3)),
        KstatusCase(
            "the partition is not updated",
            .inProgress,
            "PartitionRollout",
            statefulSet(3, 3, 3, 1, strategy: partition)
        ),
        KstatusCase("the partition is", .current, statefulSet(3, 3, 1, 2, strategy: partition, revision: "a")),
        KstatusCase("too few current", .inProgress, "LessCurrent", statefulSet(3, 3, 2, 3)),
        KstatusCase("revisions differ", .inProgress, "RevisionMismatch", statefulSet(3, 3, 3, 3, revision: "a")),
        KstatusCase("revisions agree", .current, statefulSet(3, 3, 3, 3)),
        KstatusCase("no number means one", .inProgress, "LessReplicas", "{}"),
    ])
    func `stateful sets`(_ line: KstatusCase) throws { try line.check("StatefulSet", "apps/v1") }

    /// A DaemonSet that wants two pods: scheduled, updated, available and ready ones.
    private static func daemonSet(_ scheduled: Int, _ updated: Int, _ available: Int, _ ready: Int) -> String {
        #"{"metadata":{"generation":1},"status":{"observedGeneration":1,"desiredNumberScheduled":2,"#
            + #""currentNumberScheduled":\#(scheduled),"updatedNumberScheduled":\#(updated),"#
            + #""numberAvailable":\#(available),"numberReady":\#(ready)}}"#
    }

    @Test(arguments: [
        KstatusCase("no generation", .inProgress, "NoGeneration", "{}"),
        KstatusCase("none observed", .inProgress, "NoObservedGeneration", #"{"metadata":{"generation":1}}"#),
        KstatusCase(
            "no number",
            .inProgress,
            "NoDesiredNumber",
            #"{"metadata":{"generation":1},"status":{"observedGeneration":1}}"#
        ),
        KstatusCase("too few scheduled", .inProgress, "LessCurrent", daemonSet(1, 2, 2, 2)),
        KstatusCase("too few updated", .inProgress, "LessUpdated", daemonSet(2, 1, 2, 2)),
        KstatusCase("too few available", .inProgress, "LessAvailable", daemonSet(2, 2, 1, 2)),
        KstatusCase("too few ready", .inProgress, "LessReady", daemonSet(2, 2, 2, 1)),
        KstatusCase("ready", .current, daemonSet(2, 2, 2, 2)),
        KstatusCase(
            "none is wanted",
            .current,
            #"{"metadata":{"generation":1},"status":{"observedGeneration":1,"desiredNumberScheduled":0}}"#
        ),
    ])
    func `daemon sets`(_ line: KstatusCase) throws { try line.check("DaemonSet", "apps/v1") }

    @Test(arguments: [
        KstatusCase("succeeded", .current, #"{"status":{"phase":"Succeeded"}}"#),
        KstatusCase("failed is current", .current, #"{"status":{"phase":"Failed"}}"#),
        KstatusCase("ready", .current, pod("Running", "Ready=True", container: "CrashLoopBackOff")),
        KstatusCase(
            "in a crash loop",
            .failed,
            "ContainerCrashLooping",
            pod("Running", "Ready=False", container: "CrashLoopBackOff")
        ),
        KstatusCase(
            "another wait",
            .inProgress,
            "PodRunningNotReady",
            pod("Running", "Ready=False", container: "ImagePullBackOff")
        ),
        KstatusCase("running", .inProgress, "PodRunningNotReady", #"{"status":{"phase":"Running"}}"#),
        KstatusCase("pending", .inProgress, "PodPending", pod("Pending", "PodScheduled=True", container: "")),
        KstatusCase(
            "not scheduled for another reason",
            .inProgress,
            "PodPending",
            pod("Pending", "PodScheduled=False/SchedulingGated", container: "")
        ),
        KstatusCase("no phase", .inProgress, "PodNotObserved", "{}"),
        KstatusCase("a phase nobody knows", .unknown, #"{"status":{"phase":"Odd"}}"#),
    ])
    func pods(_ line: KstatusCase) throws { try line.check("Pod", "v1") }

    private static func pod(_ phase: String, _ condition: String, container reason: String) -> String {
        String(object(conditions: condition).dropLast(2))
            + #","phase":"\#(phase)","containerStatuses":[{"name":"web","#
            + #""state":{"waiting":{"reason":"\#(reason)"}}}]}}"#
    }

    @Test(
        arguments: [
            (0, Kstatus.inProgress, "PodNotScheduled"), (14_999_999, .inProgress, "PodNotScheduled"),
            (15_000_000, .failed, "PodUnschedulable"), (nil, .failed, "PodUnschedulable"),
            // The cluster's clock may be ahead of ours.
            (-1, .inProgress, "PodNotScheduled"),
        ] as [(Int64?, Kstatus, String)]
    )
    func `a pod that no node takes fails after 15 seconds`(_ age: Int64?, _ status: Kstatus, _ code: String) throws {
        let json = Self.pod("Pending", "PodScheduled=False/Unschedulable", container: "")
        try KstatusCase("unschedulable", status, code, json).check("Pod", "v1", age: age)
    }

    @Test(arguments: [
        KstatusCase("not started", .inProgress, "JobNotStarted", "{}"),
        KstatusCase("running is current", .current, #"{"status":{"startTime":"2026-11-23T08:00:00Z","active":1}}"#),
        KstatusCase("complete", .current, object(conditions: "Complete=True")),
        KstatusCase("failed", .failed, "JobFailed", object(conditions: "Failed=True")),
        KstatusCase("the first end counts", .current, object(conditions: "Complete=True", "Failed=True")),
        KstatusCase("an end that is not true", .inProgress, "JobNotStarted", object(conditions: "Failed=False")),
        KstatusCase("goes on, not started", .inProgress, "JobNotStarted", object(conditions: "Suspended=True")),
        KstatusCase(
            "paused",
            .current,
            #"{"spec":{"suspend":true},"# + object(conditions: "Suspended=True").dropFirst()
        ),
    ])
    func jobs(_ line: KstatusCase) throws { try line.check("Job", "batch/v1") }
}
