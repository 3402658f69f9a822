internal import JSON

/// The rule for `policy` PodDisruptionBudgets: a false condition is degraded, unless it only counts too few pods.
enum PodDisruptionBudgetHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        var broken: JSONValue?
        var latest: JSONValue?
        object.status?["conditions"]?.forEachElement { condition in
            latest = condition
            guard broken == nil, condition["status"]?.equals("False") == true else { return }
            if condition["reason"]?.equals("InsufficientPods") != true { broken = condition }
        }
        if let broken { return HealthAssessment(.degraded, broken["reason"]?.string) }
        guard let latest else { return HealthAssessment(.progressing, "Waiting for the first status") }
        return HealthAssessment(.healthy, latest["reason"]?.string)
    }
}
