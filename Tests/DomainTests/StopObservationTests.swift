import Testing
import WorkerRuntime

@testable import Domain

/// What is to be gone is over when it is gone, whatever the health of the rest.
@Suite struct StopObservationTests {
    static let kinds = ["Deployment", "StatefulSet", "DaemonSet", "Job", "PersistentVolumeClaim", "Service"]
    static let applied = kinds.map { AppliedObject.of($0, uid: "u-\($0)") }

    /// What is stored of one of the objects that were applied.
    static func seen(_ kind: String, _ health: Health, observed: Int64? = 3, uid: String? = nil) -> ObservedObject {
        .of(kind, uid: uid ?? "u-\(kind)", observed: observed, health)
    }

    static let deployment = seen("Deployment", .healthy)
    static let statefulSet = seen("StatefulSet", .healthy)
    static let workloads = [deployment, statefulSet]

    static func healthy(and other: ObservedObject) -> [ObservedObject] { workloads + [other] }

    static func windows(_ goal: CommandGoal, _ stored: [ObservedObject], left: Int, before: CommandWindows)
        -> CommandWindows
    {
        CommandObservation.windows(
            goal: goal,
            applied: applied,
            stored: stored,
            sign: Reason(code: "crash_loop", sentence: "It crashes."),
            left: left,
            before: before,
            now: 100
        )
    }

    /// What is stored, how many pods are left, and whether the instance is stopped.
    static let stops: [(String, [ObservedObject], Int, Bool)] = [
        ("no pod is left, and nothing else is known", workloads, 0, true),
        ("a pod is left", workloads, 1, false),
        ("the generation before is observed", [seen("Deployment", .healthy, observed: 2), statefulSet], 0, false),
        ("no generation is observed", [seen("Deployment", .progressing, observed: nil), statefulSet], 0, false),
        ("another Deployment has its name", [seen("Deployment", .healthy, uid: "other"), statefulSet], 0, false),
        ("the StatefulSet is not stored", [deployment], 0, false),
        ("the Deployment crashed until it was stopped", [seen("Deployment", .degraded), statefulSet], 0, true),
        ("the Deployment crashes and has a pod", [seen("Deployment", .degraded), statefulSet], 1, false),
        ("a DaemonSet has a pod that is not available", healthy(and: seen("DaemonSet", .progressing)), 0, true),
        ("a DaemonSet is not observed", healthy(and: seen("DaemonSet", .healthy, observed: 2)), 0, true),
        ("a Job has failed", healthy(and: seen("Job", .degraded, observed: nil)), 0, true),
        ("a claim waits", healthy(and: seen("PersistentVolumeClaim", .progressing, observed: nil)), 0, true),
        ("a claim is lost", healthy(and: seen("PersistentVolumeClaim", .degraded, observed: nil)), 0, true),
    ]

    @Test(arguments: stops)
    func `a stop waits for pods and for those who made them alone, and nothing fails it`(
        name: String,
        stored: [ObservedObject],
        left: Int,
        isStopped: Bool
    ) {
        var before = CommandWindows()
        before.failingSince = 7
        before.failing = Reason(code: "degraded", sentence: "As a worker of the version before wrote it.")
        let after = Self.windows(.stopped, stored, left: left, before: before)
        #expect(after.healthySince == (isStopped ? 100 : nil), "\(name)")
        #expect(after.failing == nil && after.failingSince == nil, "\(name)")
    }

    @Test func `a stop's window is kept from its beginning, and ends with a pod that comes`() {
        var before = CommandWindows()
        before.healthySince = 7
        #expect(Self.windows(.stopped, Self.workloads, left: 0, before: before).healthySince == 7)
        #expect(Self.windows(.stopped, Self.workloads, left: 1, before: before) == CommandWindows())
    }

    /// What is stored, how many objects are left, and whether the instance is gone.
    static let deletions: [([ObservedObject], Int, Bool)] = [
        ([], 0, true), ([seen("Job", .degraded)], 0, true), ([seen("Deployment", .degraded)], 1, false),
        ([deployment], 1, false),
    ]

    @Test(arguments: deletions)
    func `a deletion waits for what is left alone, and nothing fails it`(
        stored: [ObservedObject],
        left: Int,
        isGone: Bool
    ) {
        let after = Self.windows(.gone, stored, left: left, before: CommandWindows())
        #expect(after.healthySince == (isGone ? 100 : nil))
        #expect(after.failing == nil)
    }

    @Test func `what is to be healthy waits for everything, and fails with what its pods show`() {
        let stored = Self.kinds.map { Self.seen($0, $0 == "Job" ? .degraded : .healthy) }
        let after = Self.windows(.healthy, stored, left: 0, before: CommandWindows())
        #expect(after.healthySince == nil)
        #expect(after.failing?.code == "crash_loop")
    }
}
