internal import JSON

/// Slipway's health: Argo CD's rules, and what they leave out.
///
/// A job that was paused and goes on is progressing, because a command must not succeed while its job runs. An address
/// that does not come is degraded after a while.
enum OwnHealth {
    /// Assesses one object without a clock: what is awaited is progressing.
    static func assess(_ object: KubernetesObject, kind: String, apiVersion: String) -> HealthAssessment {
        let theirs = HealthRules.assess(object, kind: kind, apiVersion: apiVersion)
        guard theirs.health == .healthy, kind == "Job", apiVersion.hasPrefix("batch/"),
            object.condition("Complete") == nil
        else { return theirs }
        return HealthAssessment(.progressing, theirs.reason)
    }

    /// Assesses one object at an age.
    ///
    /// - Parameters:
    ///   - age: Microseconds since it was first seen or made; `nil` if unknown, and then no wait ever ends.
    ///   - patience: How long an address may be awaited, in microseconds.
    static func assess(
        _ object: KubernetesObject,
        kind: String,
        apiVersion: String,
        age: Int64?,
        patience: Int64 = AddressWait.patience
    ) -> HealthAssessment {
        let timeless = assess(object, kind: kind, apiVersion: apiVersion)
        guard timeless.health == .progressing, AddressWait.isOver(age: age, patience: patience),
            AddressWait.isWaiting(object, kind: kind, apiVersion: apiVersion)
        else { return timeless }
        return HealthAssessment(.degraded, AddressWait.failure(patience: patience))
    }
}
