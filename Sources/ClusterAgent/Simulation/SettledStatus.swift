import Domain

/// The status that an object comes to rest with, for kinds whose way there is not played.
struct SettledStatus {
    let object: ClusterObject
    let now: Int64

    var value: ObjectValue? {
        let replicas = object.spec?["replicas"]?.int ?? 1
        let observed = ObjectValue.int(object.generation ?? 1)
        switch object.id.kind {
        case "StatefulSet":
            let revision = ObjectValue.string("\(object.id.name)-\(object.labels[Label.generation] ?? "1")")
            return [
                "observedGeneration": observed, "replicas": .int(replicas), "readyReplicas": .int(replicas),
                "currentReplicas": .int(replicas), "updatedReplicas": .int(replicas),
                "availableReplicas": .int(replicas), "currentRevision": revision, "updateRevision": revision,
            ]
        case "DaemonSet":
            return [
                "observedGeneration": observed, "currentNumberScheduled": 3, "desiredNumberScheduled": 3,
                "numberAvailable": 3, "numberReady": 3, "updatedNumberScheduled": 3, "numberMisscheduled": 0,
            ]
        case "Job":
            let time = ObjectValue.string(ClusterObject.time(now))
            return [
                "succeeded": 1, "startTime": .string(ClusterObject.time(object.createdAt)), "completionTime": time,
                "conditions": [["type": "Complete", "status": "True", "lastTransitionTime": time]],
            ]
        case "Certificate": return CertificateStatus(object: object, now: now).value
        case "PersistentVolumeClaim": return ["phase": "Bound", "accessModes": ["ReadWriteOnce"]]
        case "Ingress": return ["loadBalancer": ["ingress": [["ip": "192.0.2.10"]]]]
        case "Service" where object.spec?["type"]?.string == "LoadBalancer":
            return ["loadBalancer": ["ingress": [["ip": "192.0.2.20"]]]]
        default: return nil
        }
    }
}
