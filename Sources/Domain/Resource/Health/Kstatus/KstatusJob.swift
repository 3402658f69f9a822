internal import JSON

/// kstatus's rule for Jobs; one that runs is current to it.
enum KstatusJob {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        let isPaused = object.spec?["suspend"]?.bool == true
        // Conditions count in the order in which they stand.
        let decisive = object.status?["conditions"]?.first { condition in
            guard condition.isTrueCondition, let type = condition["type"] else { return false }
            return type.isOne(of: ["Complete", "Failed"]) || isPaused && type.equals("Suspended")
        }
        guard let type = decisive?["type"] else { return withoutCondition(object) }
        if type.equals("Suspended") { return KstatusAssessment(.current, "It is paused") }
        let parallelism = object.spec?["parallelism"]?.int ?? 1
        let wanted = object.spec?["completions"]?.int ?? parallelism
        if type.equals("Failed") { return .failed("JobFailed", "\(object.count("failed")) of \(wanted) pods failed") }
        return KstatusAssessment(.current, "\(object.count("succeeded")) of \(wanted) pods succeeded")
    }

    /// Whether it neither ended nor is paused.
    static func isRunning(_ object: KubernetesObject) -> Bool {
        if object.condition("Complete", "True") != nil { return false }
        return object.condition("Suspended", "True") == nil || object.spec?["suspend"]?.bool != true
    }

    private static func withoutCondition(_ object: KubernetesObject) -> KstatusAssessment {
        guard let start = object.status?["startTime"], start.isString, !start.equals("") else {
            return .inProgress("JobNotStarted", "It has not started")
        }
        let (active, succeeded) = (object.count("active"), object.count("succeeded"))
        return KstatusAssessment(
            .current,
            "It runs: \(active) active, \(succeeded) succeeded, \(object.count("failed")) failed"
        )
    }
}
