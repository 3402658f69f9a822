public import WorkerRuntime

/// What is stored of an object that a command applied.
public struct ObservedObject: Sendable, Hashable {
    /// The kind.
    public var kind: String
    /// The name.
    public var name: String
    /// The uid.
    public var uid: String
    /// The generation that its controller has seen; `nil` for kinds without one.
    public var observedGeneration: Int64?
    /// Its health, in Argo CD's words.
    public var health: Health
    /// Why.
    public var healthReason: String?
    /// How far its rollout has come; `nil` for kinds without one.
    var rollout: RolloutCounts?

    /// Makes an observation.
    public init(
        kind: String,
        name: String,
        uid: String,
        observedGeneration: Int64?,
        health: Health,
        healthReason: String?
    ) {
        self.kind = kind
        self.name = name
        self.uid = uid
        self.observedGeneration = observedGeneration
        self.health = health
        self.healthReason = healthReason
    }
}

extension ObservedObject {
    /// Whether its controller has seen what was applied.
    func hasObserved(_ applied: AppliedObject) -> Bool { observedGeneration ?? 0 >= applied.generation }
}

/// Stored objects, to be found by what was applied.
struct StoredObjects {
    private let objects: [String: ObservedObject]

    init(_ objects: [ObservedObject]) {
        self.objects = Dictionary(
            objects.map { ("\($0.kind)/\($0.name)", $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// What is stored of an object; `nil` where nothing is, or another one of its name.
    subscript(applied: AppliedObject) -> ObservedObject? {
        guard let object = objects["\(applied.kind)/\(applied.name)"], object.uid == applied.uid else { return nil }
        return object
    }
}

/// Success is observed, not claimed: what the stored objects say of a command that was applied.
public enum CommandObservation {
    /// The kinds whose health decides; others must only be there.
    public static let gatingKinds: Set<String> = [
        "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "PersistentVolumeClaim", "Pod",
    ]
    /// The kinds of which a stopped instance has no pods; stopping touches no others.
    static let stoppedKinds: Set<String> = ["Deployment", "StatefulSet"]

    /// Keeps the windows of a command by its goal.
    ///
    /// Where pods, or all objects, are to be gone, health says nothing of that: a claim may be pending, a Job have
    /// failed, and what is stopped because it crashes does so to the end. Nothing fails such a command; its time runs
    /// out.
    ///
    /// - Parameters:
    ///   - applied: What the agent listed, with the generations that it read back.
    ///   - stored: The stored objects of the instance.
    ///   - sign: What a pod of this command's generation shows when it will not come up by itself.
    ///   - left: How many of the pods, or objects, are still there that are to be gone.
    ///   - now: The database's clock.
    static func windows(
        goal: CommandGoal,
        applied: [AppliedObject],
        stored: [ObservedObject],
        sign: Reason?,
        left: Int,
        before: CommandWindows,
        now: Int64
    ) -> CommandWindows {
        switch goal {
        case .healthy, .applied:
            return windows(applied: applied, stored: stored, sign: sign, before: before, now: now)
        case .stopped:
            let known = StoredObjects(stored)
            let isObserved = applied.allSatisfy { object in
                !stoppedKinds.contains(object.kind) || known[object]?.hasObserved(object) == true
            }
            return windows(isReached: isObserved && left == 0, failing: nil, before: before, now: now)
        case .gone:
            return windows(isReached: left == 0, failing: nil, before: before, now: now)
        }
    }

    /// Keeps the windows: since when everything has been healthy, or something failing, without a break.
    ///
    /// - Parameters:
    ///   - applied: What the agent listed, with the generations that it read back.
    ///   - stored: The stored objects of the instance.
    ///   - sign: What a pod of this command's generation shows when it will not come up by itself.
    ///   - gating: The kinds whose health decides.
    ///   - now: The database's clock.
    public static func windows(
        applied: [AppliedObject],
        stored: [ObservedObject],
        sign: Reason?,
        before: CommandWindows,
        gating: Set<String> = gatingKinds,
        now: Int64
    ) -> CommandWindows {
        let known = StoredObjects(stored)
        var isHealthy = true
        var failing = sign
        for object in applied {
            guard let seen = known[object] else {
                isHealthy = false
                continue
            }
            if isCleanedAway(seen) {
                // How it ended was seen before.
                if let failed = before.failing, failed.sentence.hasPrefix(degradedWords(object)) {
                    (failing, isHealthy) = (failing ?? failed, false)
                }
                continue
            }
            guard gating.contains(object.kind), !awaitsFirstPod(seen) else { continue }
            if let observed = seen.observedGeneration, observed < object.generation {
                isHealthy = false
                continue
            }
            if seen.health == .degraded, failing == nil {
                failing = Reason(
                    code: "degraded",
                    sentence: degradedWords(object) + "\(seen.healthReason ?? "no reason is given")."
                )
            }
            if seen.health != .healthy, seen.health != .suspended { isHealthy = false }
        }
        return windows(isReached: isHealthy, failing: failing, before: before, now: now)
    }

    private static func degradedWords(_ object: AppliedObject) -> String {
        "\(object.kind) \(object.name) is degraded: "
    }

    /// Whether it is a Job that was there and is gone, as one is that has a time to live after its end.
    private static func isCleanedAway(_ object: ObservedObject) -> Bool {
        object.kind == "Job" && object.health == .missing
    }

    /// Whether it is a volume claim that is not bound: where claims are bound for their first pod, it may wait for long.
    ///
    /// A pod that needs it holds its workload, which is waited for; where nothing has pods, nobody needs it yet.
    private static func awaitsFirstPod(_ object: ObservedObject) -> Bool {
        object.kind == "PersistentVolumeClaim" && object.health == .progressing
    }

    /// What was so before began when it did; what is reached fails no more.
    private static func windows(
        isReached: Bool,
        failing: Reason?,
        before: CommandWindows,
        now: Int64
    ) -> CommandWindows {
        var after = CommandWindows()
        if isReached {
            after.healthySince = before.healthySince ?? now
        } else if let failing {
            after.failing = failing
            after.failingSince = before.failingSince ?? now
        }
        return after
    }
}
