internal import JSON

/// The rule for `batch` CronJobs: only a last run that is over and brought no success is degraded.
///
/// A paused one is healthy, as long as Argo CD has reasons of its own not to call it suspended.
enum CronJobHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        if object.spec?["suspend"]?.bool == true { return HealthAssessment(.healthy, "The schedule is paused") }
        guard let status = object.status, !status.isNull else {
            return HealthAssessment(.progressing, "Waiting for the first status")
        }
        guard let scheduled = status["lastScheduleTime"]?.string else {
            return HealthAssessment(.healthy, "It was not due yet")
        }
        guard let succeeded = status["lastSuccessfulTime"]?.string else {
            return HealthAssessment(.healthy, "No run has succeeded yet")
        }
        if let active = status["active"], active.isArray, active.count > 0 {
            return HealthAssessment(.healthy, "A job is running")
        }
        // Both are UTC to the second, so that their order as texts is their order in time.
        if succeeded.utf8.lexicographicallyPrecedes(scheduled.utf8) {
            return HealthAssessment(.degraded, "The last run did not succeed")
        }
        return HealthAssessment(.healthy, "The last run succeeded")
    }
}
