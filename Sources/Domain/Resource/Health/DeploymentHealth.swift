internal import JSON

/// The rule for `apps` Deployments.
enum DeploymentHealth {
    private static let specNames = JSONMemberNames("paused", "replicas")
    private static let statusNames = JSONMemberNames(
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "availableReplicas",
        "conditions"
    )

    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        let spec = object.spec?.members(specNames)
        let wanted = spec?[1]?.podCount
        if spec?[0]?.bool == true { return HealthAssessment(.suspended, "The rollout is paused") }
        guard let status = object.status?.members(statusNames) else { return assess(object, wanted, Counts()) }
        func count(_ place: Int) -> Int64 { status[place]?.podCount ?? 0 }
        let counts = Counts(
            observedGeneration: status[0]?.int ?? 0,
            existing: count(1),
            updated: count(2),
            available: count(3),
            progressing: status[4]?.condition("Progressing")
        )
        return assess(object, wanted, counts)
    }

    private static let areUpdated = CountedSentence { "\($0) of \($1) replicas are updated" }
    private static let areAvailable = CountedSentence { "\($0) of \($1) updated replicas are available" }

    private struct Counts {
        var observedGeneration: Int64 = 0
        var existing: Int64 = 0
        var updated: Int64 = 0
        var available: Int64 = 0
        var progressing: JSONValue?
    }

    private static func assess(_ object: KubernetesObject, _ wanted: Int64?, _ status: Counts) -> HealthAssessment {
        if object.generation > status.observedGeneration {
            return HealthAssessment(.progressing, "Waiting until the new specification is observed")
        }
        if status.progressing?["reason"]?.equals("ProgressDeadlineExceeded") == true {
            return HealthAssessment(.degraded, "The rollout exceeded its progress deadline")
        }
        let updated = status.updated
        if let wanted, updated < wanted {
            return HealthAssessment(.progressing, areUpdated[updated, wanted])
        }
        if status.existing > updated {
            return HealthAssessment(.progressing, "\(status.existing - updated) old replicas are still to end")
        }
        if status.available < updated {
            return HealthAssessment(.progressing, areAvailable[status.available, updated])
        }
        return HealthAssessment(.healthy)
    }
}

/// The rule for `apps` ReplicaSets.
enum ReplicaSetHealth {
    private static let areAvailable = CountedSentence { "\($0) of \($1) replicas are available" }

    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        if object.generation > object.observedGeneration {
            return HealthAssessment(.progressing, "Waiting until the new specification is observed")
        }
        if let failure = object.condition("ReplicaFailure"), failure.isTrueCondition {
            return HealthAssessment(.degraded, failure["message"]?.string)
        }
        let available = object.count("availableReplicas")
        if let wanted = object.wantedReplicas, available < wanted {
            return HealthAssessment(.progressing, areAvailable[available, wanted])
        }
        return HealthAssessment(.healthy)
    }
}
