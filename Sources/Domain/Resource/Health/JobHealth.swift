internal import JSON

/// The rule for `batch` Jobs.
///
/// Argo CD calls a job that was paused and goes on (`Suspended` is `False`) healthy; see ``OwnHealth``.
enum JobHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        if let failed = object.condition("Failed") {
            return HealthAssessment(.degraded, failed["message"]?.string)
        }
        let suspended = object.condition("Suspended")
        if let suspended, suspended.isTrueCondition {
            return HealthAssessment(.suspended, suspended["message"]?.string)
        }
        if let done = object.condition("Complete") ?? suspended {
            return HealthAssessment(.healthy, done["message"]?.string)
        }
        return HealthAssessment(.progressing)
    }
}
