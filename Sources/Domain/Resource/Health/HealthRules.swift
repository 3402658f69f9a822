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
    static func assess(_ object: JSONValue, kind: String, apiVersion: String) -> HealthAssessment {
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
    private static func assessRare(_ object: JSONValue, kind: String, apiVersion: String) -> HealthAssessment {
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

    private static func isOf(_ group: String, _ apiVersion: String) -> Bool { apiVersion.hasPrefix(group) }

    /// Argo CD keeps its hook jobs with a finalizer while their result is read; those are judged as if they stayed.
    private static func hasHookFinalizer(_ object: JSONValue) -> Bool {
        object["metadata"]?["finalizers"]?.first { $0.equals("argocd.argoproj.io/hook-finalizer") } != nil
    }
}

/// What several rules read.
extension JSONValue {
    /// The first element of an array that fits; `nil` for anything but an array.
    func first(where fits: (JSONValue) -> Bool) -> JSONValue? {
        var found: JSONValue?
        forEachElement { element in
            if found == nil, fits(element) { found = element }
        }
        return found
    }

    /// The status condition of a type.
    func condition(_ type: StaticString) -> JSONValue? {
        self["status"]?["conditions"]?.first { $0["type"]?.equals(type) ?? false }
    }

    /// The first status condition of a type with a status.
    func condition(_ type: StaticString, _ status: StaticString) -> JSONValue? {
        self["status"]?["conditions"]?.first {
            $0["type"]?.equals(type) == true && $0["status"]?.equals(status) == true
        }
    }

    /// Whether a condition's status is `True`.
    var isTrueCondition: Bool { self["status"]?.equals("True") ?? false }

    /// A number of the status; 0 when it is absent, as in Kubernetes' own types.
    func count(_ name: StaticString) -> Int64 { self["status"]?[name]?.int ?? 0 }

    /// The wanted number of pods; `nil` when the object does not say.
    var wantedReplicas: Int64? { self["spec"]?["replicas"]?.int }

    /// The generation of the specification; 0 when it is absent.
    var generation: Int64 { self["metadata"]?["generation"]?.int ?? 0 }

    /// The generation that its controller has seen; 0 when it is absent.
    var observedGeneration: Int64 { count("observedGeneration") }
}
