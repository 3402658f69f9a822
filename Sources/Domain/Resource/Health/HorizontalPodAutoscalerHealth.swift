internal import JSON

/// The rule for `autoscaling` HorizontalPodAutoscalers: any condition that it cannot work, then any that it can.
enum HorizontalPodAutoscalerHealth {
    static func assess(_ object: KubernetesObject, apiVersion: String) -> HealthAssessment {
        guard apiVersion == "autoscaling/v1" else { return assess(conditions: object.status?["conditions"]) }
        guard let annotation = object.annotations?["autoscaling.alpha.kubernetes.io/conditions"]
        else { return waiting }
        return assess(annotation: annotation.string ?? "")
    }

    private static let waiting = HealthAssessment(.progressing, "Waiting for the first scaling")

    /// The first version has its conditions in an annotation, as JSON in a string.
    private static func assess(annotation: String) -> HealthAssessment {
        do {
            return try JSONParser(maximumBytes: 1 << 16).withDocument(Array(annotation.utf8)) { conditions in
                guard conditions.isArray || conditions.isNull else { return unreadable }
                return assess(conditions: conditions)
            }
        } catch {
            return unreadable
        }
    }

    private static let unreadable = HealthAssessment(.unknown, "The annotation with its conditions cannot be read")

    private static func assess(conditions: JSONValue?) -> HealthAssessment {
        if let broken = conditions?.first(where: isBroken) {
            return HealthAssessment(.degraded, broken["message"]?.string)
        }
        if let able = conditions?.first(where: isAble) {
            return HealthAssessment(.healthy, able["message"]?.string)
        }
        return waiting
    }

    private static func isBroken(_ condition: JSONValue) -> Bool {
        guard let type = condition["type"], let reason = condition["reason"] else { return false }
        if type.equals("AbleToScale") { return reason.isOne(of: ["FailedGetScale", "FailedUpdateScale"]) }
        guard type.equals("ScalingActive") else { return false }
        return reason.isOne(of: [
            "FailedGetResourceMetric", "FailedGetObjectMetric", "FailedGetPodsMetric", "FailedGetExternalMetric",
            "FailedComputeMetricsReplicas", "InvalidSelector",
        ])
    }

    private static func isAble(_ condition: JSONValue) -> Bool {
        condition.isTrueCondition && condition["type"]?.isOne(of: ["AbleToScale", "ScalingLimited"]) == true
    }
}

extension JSONValue {
    /// Whether this is a string that is one of these texts.
    func isOne(of texts: [StaticString]) -> Bool { texts.contains { equals($0) } }
}
