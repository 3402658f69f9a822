import Domain
import WorkerRuntime

/// The status that an object comes to rest with, for kinds whose way there is not played.
struct SettledStatus {
    let object: ClusterObject
    let now: Int64

    var value: ObjectValue? {
        let observed = ObjectValue.int(object.generation ?? 1)
        switch object.id.kind {
        case "DaemonSet":
            return [
                "observedGeneration": observed, "currentNumberScheduled": 3, "desiredNumberScheduled": 3,
                "numberAvailable": 3, "numberReady": 3, "updatedNumberScheduled": 3, "numberMisscheduled": 0,
            ]
        case "Certificate": return CertificateStatus(object: object, now: now).value
        case "PersistentVolumeClaim": return ["phase": "Bound", "accessModes": ["ReadWriteOnce"]]
        case "Ingress": return ["loadBalancer": ["ingress": [["ip": "192.0.2.10"]]]]
        case "Service" where object.spec?["type"]?.string == "LoadBalancer":
            return ["loadBalancer": ["ingress": [["ip": .string(address)]]]]
        default: return nil
        }
    }

    /// An address that a load balancer gives to this service and no other, as far as documentation's addresses reach.
    private var address: String {
        "198.51.100.\(StableHash.of("\(object.id.namespace)/\(object.id.name)") % 254 + 1)"
    }
}
