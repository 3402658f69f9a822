internal import JSON

/// The rule for `apiextensions.k8s.io` CustomResourceDefinitions: the first condition with an opinion decides.
enum CustomResourceDefinitionHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        guard let status = object.status, !status.isNull else { return HealthAssessment(.unknown) }
        guard let conditions = status["conditions"], conditions.count > 0 else {
            return HealthAssessment(.progressing, "Waiting for the first conditions")
        }
        var found: HealthAssessment?
        var isEstablished = false
        conditions.forEachElement { condition in
            guard found == nil else { return }
            found = opinion(of: condition)
            if condition["type"]?.equals("Established") == true, condition.isTrueCondition { isEstablished = true }
        }
        if let found { return found }
        return isEstablished ? HealthAssessment(.healthy) : HealthAssessment(.degraded, "The kind is not established")
    }

    private static func opinion(of condition: JSONValue) -> HealthAssessment? {
        guard let type = condition["type"] else { return nil }
        let message = condition["message"]?.string ?? ""
        if type.equals("Terminating"), condition.isTrueCondition {
            return HealthAssessment(.progressing, "The kind is being removed: \(message)")
        }
        if type.equals("NamesAccepted"), condition["status"]?.equals("False") == true {
            return HealthAssessment(.degraded, "The names are not accepted: \(message)")
        }
        if type.equals("NonStructuralSchema"), condition.isTrueCondition {
            return HealthAssessment(.degraded, "The schema is not structural: \(message)")
        }
        if type.equals("Established"), !condition.isTrueCondition, condition["reason"]?.equals("Installing") == true {
            return HealthAssessment(.progressing, "The kind is being installed")
        }
        return nil
    }
}
