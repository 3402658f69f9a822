internal import JSON

/// kstatus's rule for StatefulSets.
enum KstatusStatefulSet {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        let strategy = object.spec?["updateStrategy"]
        if strategy?["type"]?.equals("OnDelete") == true {
            return KstatusAssessment(.current, "Its pods are updated when somebody deletes them")
        }
        let wanted = object.wantedReplicasOrOne
        let existing = object.count("replicas")
        let ready = object.count("readyReplicas")
        if wanted > existing { return .inProgress("LessReplicas", "\(existing) of \(wanted) replicas exist") }
        if wanted > ready { return .inProgress("LessReady", "\(ready) of \(wanted) replicas are ready") }
        if existing > wanted { return .inProgress("ExtraPods", "\(existing - wanted) replicas are still to end") }
        // A partition of -1 is none: kstatus uses it as the mark of one that is absent.
        if let partition = strategy?["rollingUpdate"]?["partition"]?.int, partition != -1 {
            return rollout(object, to: wanted - partition)
        }
        let current = object.count("currentReplicas")
        if wanted > current { return .inProgress("LessCurrent", "\(current) of \(wanted) replicas are current") }
        let revisions = [object.status?["currentRevision"], object.status?["updateRevision"]]
        let (now, next) = (revisions[0]?.string ?? "", revisions[1]?.string ?? "")
        if now != next { return .inProgress("RevisionMismatch", "The new revision is not the current one yet") }
        return KstatusAssessment(.current, "\(existing) replicas are ready")
    }

    private static func rollout(_ object: KubernetesObject, to wanted: Int64) -> KstatusAssessment {
        let updated = object.count("updatedReplicas")
        guard updated >= wanted else {
            return .inProgress("PartitionRollout", "\(updated) of \(wanted) pods of the partition are updated")
        }
        return KstatusAssessment(.current, "\(updated) pods of the partition are updated")
    }
}

/// kstatus's rule for DaemonSets.
enum KstatusDaemonSet {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        guard object.metadata?["generation"]?.int != nil else {
            return .inProgress("NoGeneration", "'metadata.generation' is not there yet")
        }
        guard object.status?["observedGeneration"]?.int != nil else {
            return .inProgress("NoObservedGeneration", "'status.observedGeneration' is not there yet")
        }
        guard let wanted = object.status?["desiredNumberScheduled"]?.int, wanted != -1 else {
            return .inProgress("NoDesiredNumber", "'status.desiredNumberScheduled' is not there yet")
        }
        let scheduled = object.count("currentNumberScheduled")
        let updated = object.count("updatedNumberScheduled")
        let available = object.count("numberAvailable")
        let ready = object.count("numberReady")
        if wanted > scheduled { return .inProgress("LessCurrent", "\(scheduled) of \(wanted) pods are scheduled") }
        if wanted > updated { return .inProgress("LessUpdated", "\(updated) of \(wanted) pods are updated") }
        if wanted > available { return .inProgress("LessAvailable", "\(available) of \(wanted) pods are available") }
        if wanted > ready { return .inProgress("LessReady", "\(ready) of \(wanted) pods are ready") }
        return KstatusAssessment(.current, "\(wanted) pods are ready")
    }
}
