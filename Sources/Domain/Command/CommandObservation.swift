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

/// Success is observed, not claimed: what the stored objects say of a command that was applied.
public enum CommandObservation {
    /// The kinds whose health decides; others must only be there.
    public static let gatingKinds: Set<String> = [
        "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "PersistentVolumeClaim", "Pod",
    ]

    /// Keeps the windows: since when everything has been healthy, or something failing, without a break.
    ///
    /// - Parameters:
    ///   - applied: What the agent listed, with the generations that it read back.
    ///   - stored: The stored objects of the instance.
    ///   - sign: What a pod of this command's generation shows when it will not come up by itself.
    ///   - gating: The kinds whose health decides.
    ///   - left: How many of the pods, or objects, are still there that are to be gone.
    ///   - now: The database's clock.
    public static func windows(
        applied: [AppliedObject],
        stored: [ObservedObject],
        sign: Reason?,
        left: Int = 0,
        before: CommandWindows,
        gating: Set<String> = gatingKinds,
        now: Int64
    ) -> CommandWindows {
        let known = Dictionary(stored.map { ("\($0.kind)/\($0.name)", $0) }, uniquingKeysWith: { first, _ in first })
        var isHealthy = left == 0
        var failing = sign
        for object in applied {
            guard let seen = known["\(object.kind)/\(object.name)"], seen.uid == object.uid else {
                isHealthy = false
                continue
            }
            guard gating.contains(object.kind) else { continue }
            if let observed = seen.observedGeneration, observed < object.generation {
                isHealthy = false
                continue
            }
            if seen.health == .degraded, failing == nil {
                failing = Reason(
                    code: "degraded",
                    sentence: "\(object.kind) \(object.name) is degraded: \(seen.healthReason ?? "no reason is given")."
                )
            }
            if seen.health != .healthy, seen.health != .suspended { isHealthy = false }
        }
        var after = CommandWindows()
        if isHealthy {
            after.healthySince = before.healthySince ?? now
        } else if let failing {
            after.failing = failing
            after.failingSince = before.failingSince ?? now
        }
        return after
    }
}
