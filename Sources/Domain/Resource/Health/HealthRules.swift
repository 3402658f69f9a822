import Glibc
internal import JSON

/// Argo CD's health rules, in their order: the first line that fits decides.
///
/// What Slipway judges otherwise is in ``OwnHealth``. A kind without a rule, such as a config map, has no opinion and
/// counts as healthy. The rules read the object alone: a Deployment's health says nothing of its pods.
enum HealthRules {
    /// Assesses one object.
    ///
    /// - Parameters:
    ///   - object: The whole object.
    ///   - kind: Its kind, already read.
    ///   - apiVersion: Its group and version: another group's object of the same kind has no rule.
    static func assess(_ object: KubernetesObject, kind: String, apiVersion: String) -> HealthAssessment {
        if object.isBeingDeleted, !hasHookFinalizer(object) {
            return HealthAssessment(.progressing, "Pending deletion")
        }
        switch kind {
        case "Pod" where apiVersion == "v1": return PodHealth.assess(object)
        case "Deployment" where isOf("apps/", apiVersion): return DeploymentHealth.assess(object)
        case "ReplicaSet" where isOf("apps/", apiVersion): return ReplicaSetHealth.assess(object)
        case "StatefulSet" where isOf("apps/", apiVersion): return StatefulSetHealth.assess(object)
        case "DaemonSet" where isOf("apps/", apiVersion): return DaemonSetHealth.assess(object)
        case "Job" where isOf("batch/", apiVersion): return JobHealth.assess(object)
        case "Service" where apiVersion == "v1": return ServiceHealth.assess(object)
        case "ConfigMap", "Secret": return HealthAssessment(.healthy)
        case "Ingress" where isOf("networking.k8s.io/", apiVersion) || isOf("extensions/", apiVersion):
            return IngressHealth.assess(object)
        case "PersistentVolumeClaim" where apiVersion == "v1": return PersistentVolumeClaimHealth.assess(object)
        default: return assessRare(object, kind: kind, apiVersion: apiVersion)
        }
    }

    /// The kinds that change seldom, asked last so that the others do not wait for them.
    private static func assessRare(_ object: KubernetesObject, kind: String, apiVersion: String) -> HealthAssessment {
        switch kind {
        case "CronJob" where isOf("batch/", apiVersion): CronJobHealth.assess(object)
        case "HorizontalPodAutoscaler" where isOf("autoscaling/", apiVersion):
            HorizontalPodAutoscalerHealth.assess(object, apiVersion: apiVersion)
        case "PodDisruptionBudget" where isOf("policy/", apiVersion): PodDisruptionBudgetHealth.assess(object)
        case "Certificate" where isOf("cert-manager.io/", apiVersion): CertificateHealth.assess(object)
        case "Issuer" where isOf("cert-manager.io/", apiVersion),
            "ClusterIssuer" where isOf("cert-manager.io/", apiVersion):
            IssuerHealth.assess(object)
        case "APIService" where isOf("apiregistration.k8s.io/", apiVersion): APIServiceHealth.assess(object)
        case "CustomResourceDefinition" where isOf("apiextensions.k8s.io/", apiVersion):
            CustomResourceDefinitionHealth.assess(object)
        case "Workflow" where isOf("argoproj.io/", apiVersion): WorkflowHealth.assess(object)
        default: HealthAssessment(.healthy)
        }
    }

    private static func isOf(_ group: StaticString, _ apiVersion: String) -> Bool {
        apiVersion.utf8.withContiguousStorageIfAvailable { bytes in
            guard bytes.count >= group.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
            return memcmp(start, group.utf8Start, group.utf8CodeUnitCount) == 0
        } ?? apiVersion.hasPrefix(group.description)
    }

    /// Argo CD keeps its hook jobs with a finalizer while their result is read; those are judged as if they stayed.
    private static func hasHookFinalizer(_ object: KubernetesObject) -> Bool {
        object.finalizers?.first { $0.equals("argocd.argoproj.io/hook-finalizer") } != nil
    }
}
