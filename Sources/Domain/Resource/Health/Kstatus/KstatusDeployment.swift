internal import JSON

/// kstatus's rule for Deployments.
enum KstatusDeployment {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        let exceeded = object.status?["conditions"]?.first {
            $0["type"]?.equals("Progressing") == true && $0["reason"]?.equals("ProgressDeadlineExceeded") == true
        }
        if let exceeded { return .failed(exceeded.code, "The rollout exceeded its progress deadline") }
        return replicas(object) ?? conditions(object)
    }

    private static func replicas(_ object: KubernetesObject) -> KstatusAssessment? {
        let wanted = object.wantedReplicasOrOne
        let existing = object.count("replicas")
        let updated = object.count("updatedReplicas")
        let available = object.count("availableReplicas")
        let ready = object.count("readyReplicas")
        if wanted > existing { return .inProgress("LessReplicas", "\(existing) of \(wanted) replicas exist") }
        if wanted > updated { return .inProgress("LessUpdated", "\(updated) of \(wanted) replicas are updated") }
        if existing > wanted { return .inProgress("ExtraPods", "\(existing - wanted) replicas are still to end") }
        if updated > available {
            return .inProgress("LessAvailable", "\(available) of \(updated) updated replicas are available")
        }
        if wanted > ready { return .inProgress("LessReady", "\(ready) of \(wanted) replicas are ready") }
        return nil
    }

    private static func conditions(_ object: KubernetesObject) -> KstatusAssessment {
        // Without a deadline the controller writes no condition for the progress.
        let deadline = object.spec?["progressDeadlineSeconds"]?.int ?? Int64(Int32.max)
        guard deadline == Int64(Int32.max) || hasNewReplicaSet(object) else {
            return .inProgress("ReplicaSetNotAvailable", "The new replica set is not available")
        }
        guard object.condition("Available", "True") != nil else {
            return .inProgress("DeploymentNotAvailable", "The condition Available is not true")
        }
        return KstatusAssessment(.current, "\(object.count("replicas")) replicas are available")
    }

    private static func hasNewReplicaSet(_ object: KubernetesObject) -> Bool {
        object.status?["conditions"]?.first {
            $0["type"]?.equals("Progressing") == true && $0.isTrueCondition
                && $0["reason"]?.equals("NewReplicaSetAvailable") == true
        } != nil
    }
}

/// kstatus's rule for ReplicaSets; a failure to make pods is in progress, for it is tried again.
enum KstatusReplicaSet {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        if let failure = object.condition("ReplicaFailure", "True") {
            return .inProgress("ReplicaFailure", failure.message ?? "Pods cannot be made")
        }
        let wanted = object.wantedReplicasOrOne
        let labelled = object.count("fullyLabeledReplicas")
        let available = object.count("availableReplicas")
        let ready = object.count("readyReplicas")
        let existing = object.count("replicas")
        if wanted > labelled { return .inProgress("LessLabelled", "\(labelled) of \(wanted) replicas are labelled") }
        if wanted > available {
            return .inProgress("LessAvailable", "\(available) of \(wanted) replicas are available")
        }
        if wanted > ready { return .inProgress("LessReady", "\(ready) of \(wanted) replicas are ready") }
        if existing > wanted { return .inProgress("ExtraPods", "\(existing - wanted) replicas are still to end") }
        return KstatusAssessment(.current, "\(existing) replicas are available")
    }
}
