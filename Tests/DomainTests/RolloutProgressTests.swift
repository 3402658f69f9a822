import Foundation
import Testing

@testable import Domain

/// Whether a rollout advances, look by look.
@Suite struct RolloutProgressTests {
    static let applied = AppliedObject.of("Deployment", uid: "u1")

    static func seen(_ counts: RolloutCounts?, uid: String = "u1", observed: Int64? = 3) -> ObservedObject {
        var object = ObservedObject.of("Deployment", uid: uid, observed: observed, .progressing)
        object.rollout = counts
        return object
    }

    static func counts(_ existing: Int64?, _ updated: Int64?, _ ready: Int64?) -> RolloutCounts {
        RolloutCounts(existing: existing, updated: updated, ready: ready)
    }

    /// Pods that are there, are new, are ready; the most before; the most after, where the rollout has advanced.
    static let looks: [(String, RolloutCounts, Int64?, Int64?)] = [
        ("only old pods are there", counts(3, 0, 3), nil, nil),
        ("the first new pod is made", counts(4, 1, 3), nil, 1),
        ("it is ready", counts(4, 1, 4), 1, 2),
        ("an old pod goes for it", counts(3, 1, 3), 2, nil),
        ("the next one is made", counts(4, 2, 3), 2, 3),
        ("a new pod crashes", counts(4, 2, 3), 4, nil),
        ("it is ready again before its next crash", counts(4, 2, 4), 4, nil),
        ("the last is ready", counts(3, 3, 3), 5, 6),
        ("everything stays as it is", counts(3, 3, 3), 6, nil),
        ("two have come at once", counts(3, 3, 3), 4, 6),
        ("new pods beside all the old ones", counts(6, 3, 3), nil, 3),
        ("one of them is ready", counts(6, 3, 4), 3, 4),
        ("all old ones went first", counts(0, 0, 0), nil, nil),
        ("new ones after them", counts(3, 3, 0), nil, 3),
        ("old pods are away that the new ones replace", counts(2, 1, 1), 1, nil),
        ("fewer are wanted", counts(1, 1, 1), 6, nil),
        ("no number is told", counts(nil, nil, nil), nil, nil),
        ("numbers that cannot be", counts(-5, Int64.max, Int64.max), nil, 2 * Int64(Int32.max)),
    ]

    @Test(arguments: looks)
    func `a rollout advances beyond the most that was seen of it`(
        name: String,
        counts: RolloutCounts,
        before: Int64?,
        after: Int64?
    ) {
        let watched = [WatchedObject(Self.applied, advance: before)]
        let advanced = RolloutProgress.advanced(watched, stored: [Self.seen(counts)])
        #expect(advanced == after.map { [WatchedObject(Self.applied, advance: $0)] }, "\(name)")
    }

    @Test func `only what was applied, at its generation, counts`() {
        let full = Self.counts(3, 3, 3)
        let others = [
            Self.seen(full, uid: "other"), Self.seen(full, observed: 2), Self.seen(full, observed: nil), Self.seen(nil),
        ]
        for other in others {
            #expect(RolloutProgress.advanced([WatchedObject(Self.applied)], stored: [other]) == nil)
        }
        #expect(RolloutProgress.advanced([WatchedObject(Self.applied)], stored: []) == nil)
        #expect(RolloutProgress.advanced([], stored: [Self.seen(full)]) == nil)
    }

    @Test func `of several rollouts one may advance while another falls back`() {
        var database = Self.applied
        (database.kind, database.name, database.uid) = ("StatefulSet", "db", "u2")
        var statefulSet = Self.seen(Self.counts(3, 3, 1))
        (statefulSet.kind, statefulSet.name, statefulSet.uid) = ("StatefulSet", "db", "u2")
        let watched = [WatchedObject(Self.applied, advance: 6), WatchedObject(database, advance: 3)]
        let advanced = RolloutProgress.advanced(watched, stored: [statefulSet, Self.seen(Self.counts(3, 3, 0))])
        #expect(advanced?.map(\.advance) == [6, 4])
    }

    static let statuses: [(String, String?, RolloutCounts?)] = [
        ("Deployment", #"{"replicas":4,"updatedReplicas":2,"readyReplicas":3,"conditions":[]}"#, counts(4, 2, 3)),
        ("Deployment", #"{"observedGeneration":3}"#, counts(0, 0, 0)),
        ("StatefulSet", #"{"replicas":3,"updatedReplicas":1,"currentReplicas":2,"readyReplicas":2}"#, counts(3, 1, 2)),
        (
            "DaemonSet",
            #"{"currentNumberScheduled":3,"desiredNumberScheduled":3,"updatedNumberScheduled":2,"numberReady":1}"#,
            counts(3, 2, 1)
        ),
        ("Job", #"{"active":1,"replicas":1}"#, nil), ("Deployment", #"{"replicas":"3"}"#, nil),
        ("Deployment", "[]", nil), ("Deployment", nil, nil),
    ]

    @Test(arguments: statuses)
    func `a workload's status tells its pods`(kind: String, status: String?, counts: RolloutCounts?) {
        #expect(RolloutCounts(kind: kind, status: status) == counts)
    }

    /// The time, the step's deadline before, and after; the command's is at 1800 s.
    static let extensions: [(Int64, Int64?, Int64?)] = [
        (100, 600, 700), (1199, 1300, 1799), (1300, 1400, 1800), (1300, 1800, 1800), (100, 900, 900), (100, nil, nil),
    ]

    @Test(arguments: extensions)
    func `an advance begins the step's time anew, up to the absolute limit`(now: Int64, before: Int64?, after: Int64?) {
        var command = CommandTests.command(.applied)
        command.stepDeadline = before.map { $0 * 1_000_000 }
        command.extendStep(now: now * 1_000_000)
        #expect(command.stepDeadline == after.map { $0 * 1_000_000 })
    }

    @Test func `a step is extended by its own length`() {
        var command = CommandTests.command(.applied)
        command.timers = command.timers.limited(to: "instance.restart")
        command.stepDeadline = 300_000_000
        command.extendStep(now: 200_000_000)
        #expect(command.stepDeadline == 500_000_000)
    }

    @Test func `workers that do not know of rollouts read what was seen of them, and are read`() throws {
        let json = try WatchedObject.json([WatchedObject(Self.applied, advance: 4), WatchedObject(Self.applied)])
        #expect(try JSONDecoder().decode([AppliedObject].self, from: Data(json)) == [Self.applied, Self.applied])
        #expect(try WatchedObject.list(json: json).map(\.advance) == [4, nil])
        let old = Array(try JSONEncoder.stable.encode([Self.applied]))
        #expect(try WatchedObject.list(json: old) == [WatchedObject(Self.applied)])
        #expect(try WatchedObject.json([WatchedObject(Self.applied)]) == old)
    }

    @Test func `what an agent says again takes nothing away of what was seen`() {
        var newer = Self.applied
        newer.generation = 4
        var other = Self.applied
        other.uid = "u2"
        let after = WatchedObject.list([newer, other], after: [WatchedObject(Self.applied, advance: 4)])
        #expect(after == [WatchedObject(newer, advance: 4), WatchedObject(other)])
    }
}
