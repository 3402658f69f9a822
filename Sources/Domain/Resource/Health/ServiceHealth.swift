internal import JSON

/// The rule for Services: one that asks for a load balancer waits for its address.
enum ServiceHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        guard object.spec?["type"]?.equals("LoadBalancer") == true, !object.hasLoadBalancerAddress else {
            return HealthAssessment(.healthy)
        }
        return HealthAssessment(.progressing, "Waiting for the load balancer's address")
    }
}

/// The rule for Ingresses of `networking.k8s.io` and the old `extensions`.
enum IngressHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        object.hasLoadBalancerAddress
            ? HealthAssessment(.healthy)
            : HealthAssessment(.progressing, "Waiting for the load balancer's address")
    }
}

extension KubernetesObject {
    /// Whether the status lists an address of a load balancer.
    var hasLoadBalancerAddress: Bool {
        status?["loadBalancer"]?["ingress"]?.first { _ in true } != nil
    }
}
