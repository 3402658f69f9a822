import Domain

/// How many pods the old and new ReplicaSets of a Deployment should have next, as the Deployment controller decides.
struct RollingUpdate: Sendable, Hashable {
    /// The pods that the Deployment wants.
    var wanted: Int64
    /// How many more than wanted may exist.
    var surge: Int64
    /// How many fewer than wanted may be available.
    var unavailable: Int64

    /// Reads `spec` of a Deployment; the defaults are Kubernetes' 25 % each, surge rounded up, unavailable down.
    init(spec: ObjectValue) {
        wanted = Self.bounded(spec["replicas"]?.int ?? 1)
        if spec.path("strategy", "type")?.string == "Recreate" {
            surge = 0
            unavailable = wanted
        } else {
            let rolling = spec.path("strategy", "rollingUpdate")
            surge = Self.share(rolling?["maxSurge"], of: wanted, roundsUp: true)
            unavailable = Self.share(rolling?["maxUnavailable"], of: wanted, roundsUp: false)
        }
        if surge == 0, unavailable == 0 { unavailable = 1 }
    }

    /// The size of the new ReplicaSet, given what all of them together have now.
    func newSize(now: Int64, total: Int64) -> Int64 {
        guard now < wanted else { return wanted }
        return min(wanted, now + max(0, wanted + surge - total))
    }

    /// By how many the old ReplicaSets may shrink: first what is not available anyway, then what can be spared.
    func shrinkable(oldTotal: Int64, oldAvailable: Int64, newSize: Int64, newAvailable: Int64) -> Int64 {
        let least = wanted - unavailable
        let mayGo = oldTotal + newSize - least - (newSize - newAvailable)
        return max(0, min(oldTotal, mayGo, oldTotal - oldAvailable + max(0, oldAvailable + newAvailable - least)))
    }

    private static func share(_ value: ObjectValue?, of wanted: Int64, roundsUp: Bool) -> Int64 {
        if let number = value?.int { return bounded(number) }
        let text = value?.string ?? "25%"
        guard text.hasSuffix("%"), let percent = Int64(text.dropLast()), percent >= 0 else { return 1 }
        return (wanted * bounded(percent) + (roundsUp ? 99 : 0)) / 100
    }

    /// Values may say anything; Kubernetes keeps numbers of pods in 32 bits.
    private static func bounded(_ number: Int64) -> Int64 { min(max(0, number), Int64(Int32.max)) }
}
