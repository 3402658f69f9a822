internal import CloudEvents
internal import JSON

/// An Ingress, or a Service that asks for a load balancer, that waits for its address: degraded after a while.
///
/// Argo CD lets it progress for ever.
enum AddressWait {
    /// How long an address may be awaited before its lack is a failure, in microseconds: five minutes.
    static let patience: Int64 = 300_000_000

    /// Whether the object is one that waits; one that is being deleted is not.
    static func isWaiting(_ object: KubernetesObject, kind: String, apiVersion: String) -> Bool {
        switch kind {
        case "Ingress" where apiVersion.hasPrefix("networking.k8s.io/") || apiVersion.hasPrefix("extensions/"): break
        case "Service" where apiVersion == "v1":
            guard object.spec?["type"]?.equals("LoadBalancer") == true else { return false }
        default: return false
        }
        return !object.hasLoadBalancerAddress && !object.isBeingDeleted
    }

    /// Whether an object of this age has waited for too long; never, if the age is not known.
    static func isOver(age: Int64?, patience: Int64) -> Bool { age.map { $0 >= patience } ?? false }

    /// The reason of a wait that is over.
    static func failure(patience: Int64) -> String {
        "It still has no address after \(patience / 1_000_000) s: check that a controller of the cluster gives one"
    }
}

extension KubernetesObject {
    /// When the cluster made the object, in microseconds since 1970; `nil` where it does not say.
    var creationTime: Int64? {
        metadata?["creationTimestamp"]?.withUTF8 { RFC3339.parse(utf8: $0) } ?? nil
    }

    /// How old the object is, in microseconds; `nil` where it does not say when it was made.
    func age(at now: Int64) -> Int64? { creationTime.map { now - $0 } }

    /// Whether somebody asked for its deletion.
    var isBeingDeleted: Bool { deletionTimestamp.map { !$0.isNull } ?? false }
}
