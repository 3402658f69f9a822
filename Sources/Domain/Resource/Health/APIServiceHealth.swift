internal import JSON

/// The rule for `apiregistration.k8s.io` APIServices: available or on the way; there is no failure.
enum APIServiceHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        guard let available = object.condition("Available") else {
            return HealthAssessment(.progressing, "Waiting until the service is looked at")
        }
        let words = [available["reason"]?.string, available["message"]?.string].compactMap { $0 }
        return HealthAssessment(
            available.isTrueCondition ? .healthy : .progressing,
            words.filter { !$0.isEmpty }.joined(separator: ": ")
        )
    }
}
