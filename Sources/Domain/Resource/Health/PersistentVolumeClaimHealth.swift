internal import JSON

/// The rule for PersistentVolumeClaims.
enum PersistentVolumeClaimHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        guard let phase = object.status?["phase"] else { return HealthAssessment(.unknown) }
        if phase.equals("Bound") { return HealthAssessment(.healthy) }
        if phase.equals("Pending") { return HealthAssessment(.progressing, "Waiting for a volume") }
        if phase.equals("Lost") { return HealthAssessment(.degraded, "The volume is lost") }
        return HealthAssessment(.unknown)
    }
}
