internal import JSON

/// The rule for `batch` Jobs.
///
/// One step aside from Argo CD: a job that was paused and goes on (`Suspended` is `False`) is progressing, not healthy,
/// because a command must not succeed while its job runs.
enum JobHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        if let failed = object.condition("Failed") {
            return HealthAssessment(.degraded, failed["message"]?.string)
        }
        if let suspended = object.condition("Suspended"), suspended.isTrueCondition {
            return HealthAssessment(.suspended, suspended["message"]?.string)
        }
        if let complete = object.condition("Complete") {
            return HealthAssessment(.healthy, complete["message"]?.string)
        }
        return HealthAssessment(.progressing)
    }
}
