internal import JSON

/// The rule for Argo Workflows.
enum WorkflowHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        let message = object.status?["message"]?.string
        guard let phase = object.status?["phase"], !phase.isNull else {
            return HealthAssessment(.progressing, message)
        }
        if phase.isOne(of: ["", "Pending", "Running"]) { return HealthAssessment(.progressing, message) }
        if phase.equals("Succeeded") { return HealthAssessment(.healthy, message) }
        if phase.isOne(of: ["Failed", "Error"]) { return HealthAssessment(.degraded, message) }
        return HealthAssessment(.unknown, message)
    }
}
