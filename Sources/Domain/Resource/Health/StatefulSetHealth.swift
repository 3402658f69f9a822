internal import JSON

/// The rule for `apps` StatefulSets.
enum StatefulSetHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        let observed = object.observedGeneration
        if observed == 0 || object.generation > observed {
            return HealthAssessment(.progressing, "Waiting until the new specification is observed")
        }
        let wanted = object.wantedReplicas
        let ready = object.count("readyReplicas")
        if let wanted, ready < wanted {
            return HealthAssessment(.progressing, "\(ready) of \(wanted) pods are ready")
        }
        let strategy = object.spec?["updateStrategy"]
        let updated = object.count("updatedReplicas")
        if strategy?["type"]?.equals("RollingUpdate") == true, let rolling = strategy?["rollingUpdate"], !rolling.isNull
        {
            if let wanted, let partition = rolling["partition"]?.podCount, updated < wanted - partition {
                return HealthAssessment(
                    .progressing,
                    "\(updated) of \(wanted - partition) pods of the partition are updated"
                )
            }
            return HealthAssessment(.healthy, "\(updated) pods are updated")
        }
        if strategy?["type"]?.equals("OnDelete") == true {
            return HealthAssessment(.healthy, "\(ready) pods are ready")
        }
        let status = object.status
        let wantedRevision = status?["updateRevision"]?.string ?? ""
        if wantedRevision != status?["currentRevision"]?.string ?? "" {
            return HealthAssessment(.progressing, "\(updated) pods are at the revision \(wantedRevision)")
        }
        return HealthAssessment(.healthy)
    }
}

/// The rule for `apps` DaemonSets.
enum DaemonSetHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        if object.generation > object.observedGeneration {
            return HealthAssessment(.progressing, "Waiting until the new specification is observed")
        }
        let wanted = object.count("desiredNumberScheduled")
        let updated = object.count("updatedNumberScheduled")
        if object.spec?["updateStrategy"]?["type"]?.equals("OnDelete") == true {
            return HealthAssessment(.healthy, "\(updated) of \(wanted) pods are updated")
        }
        if updated < wanted {
            return HealthAssessment(.progressing, "\(updated) of \(wanted) pods are updated")
        }
        let available = object.count("numberAvailable")
        if available < wanted {
            return HealthAssessment(.progressing, "\(available) of \(wanted) pods are available")
        }
        return HealthAssessment(.healthy)
    }
}
