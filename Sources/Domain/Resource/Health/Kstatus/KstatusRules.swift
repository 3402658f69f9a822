internal import JSON

/// kstatus's rules, in their order: what is general first, then what is known of the kind, then a condition `Ready`.
///
/// What Slipway judges otherwise is in ``OwnKstatus``. Where kstatus answers with an error, this says unknown.
enum KstatusRules {
    /// Assesses one object.
    ///
    /// - Parameters:
    ///   - object: The whole object.
    ///   - kind: Its kind, already read.
    ///   - apiVersion: Its group and version: another group's object of the same kind has no rule of its own.
    ///   - age: Microseconds since it was made; `nil`, as where the object does not say, counts as long ago.
    static func assess(_ object: KubernetesObject, kind: String, apiVersion: String, age: Int64?) -> KstatusAssessment {
        if let general = KstatusGeneric.assess(object) { return general }
        switch (group(apiVersion), kind) {
        case ("", "Pod"): return KstatusPod.assess(object, age: age)
        case ("apps", "Deployment"), ("extensions", "Deployment"): return KstatusDeployment.assess(object)
        case ("apps", "ReplicaSet"), ("extensions", "ReplicaSet"): return KstatusReplicaSet.assess(object)
        case ("apps", "StatefulSet"): return KstatusStatefulSet.assess(object)
        case ("apps", "DaemonSet"), ("extensions", "DaemonSet"): return KstatusDaemonSet.assess(object)
        case ("batch", "Job"): return KstatusJob.assess(object)
        case ("", "Service"): return KstatusService.assess(object)
        case ("", "PersistentVolumeClaim"): return KstatusPersistentVolumeClaim.assess(object)
        case ("", "Secret"), ("", "ConfigMap"), ("batch", "CronJob"):
            return KstatusAssessment(.current, "There is nothing to wait for")
        case ("policy", "PodDisruptionBudget"): return KstatusAssessment(.current, "It is observed")
        case ("apiextensions.k8s.io", "CustomResourceDefinition"):
            return KstatusCustomResourceDefinition.assess(object)
        default: return KstatusGeneric.readiness(object) ?? KstatusAssessment(.current)
        }
    }

    private static func group(_ apiVersion: String) -> Substring {
        apiVersion.firstIndex(of: "/").map { apiVersion[..<$0] } ?? ""
    }
}
