internal import JSON

/// The rule for `apps` Deployments.
enum DeploymentHealth {
    static func assess(_ object: JSONValue) -> HealthAssessment {
        if object["spec"]?["paused"]?.bool == true {
            return HealthAssessment(.suspended, "The rollout is paused")
        }
        if object.generation > object.observedGeneration {
            return HealthAssessment(.progressing, "Waiting until the new specification is observed")
        }
        if object.condition("Progressing")?["reason"]?.equals("ProgressDeadlineExceeded") == true {
            return HealthAssessment(.degraded, "The rollout exceeded its progress deadline")
        }
        let updated = object.count("updatedReplicas")
        let existing = object.count("replicas")
        let available = object.count("availableReplicas")
        if let wanted = object.wantedReplicas, updated < wanted {
            return HealthAssessment(.progressing, "\(updated) of \(wanted) replicas are updated")
        }
        if existing > updated {
            return HealthAssessment(.progressing, "\(existing - updated) old replicas are still to end")
        }
        if available < updated {
            return HealthAssessment(.progressing, "\(available) of \(updated) updated replicas are available")
        }
        return HealthAssessment(.healthy)
    }
}

/// The rule for `apps` ReplicaSets.
enum ReplicaSetHealth {
    static func assess(_ object: JSONValue) -> HealthAssessment {
        if object.generation > object.observedGeneration {
            return HealthAssessment(.progressing, "Waiting until the new specification is observed")
        }
        if let failure = object.condition("ReplicaFailure"), failure.isTrueCondition {
            return HealthAssessment(.degraded, failure["message"]?.string)
        }
        let available = object.count("availableReplicas")
        if let wanted = object.wantedReplicas, available < wanted {
            return HealthAssessment(.progressing, "\(available) of \(wanted) replicas are available")
        }
        return HealthAssessment(.healthy)
    }
}
