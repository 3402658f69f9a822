internal import JSON

/// What kstatus reads of every object, whatever its kind.
enum KstatusGeneric {
    /// Deletion, a generation that is not observed, and the conditions `Reconciling` and `Stalled`; `nil` if none fits.
    static func assess(_ object: KubernetesObject) -> KstatusAssessment? {
        let metadata = object.metadata
        if let deletion = metadata?["deletionTimestamp"], !deletion.isNull, !deletion.equals("") {
            guard deletion.isString else { return unreadable("metadata.deletionTimestamp", "a string") }
            return KstatusAssessment(.terminating, "Its deletion was asked for")
        }
        return generation(object) ?? unreadableConditions(object) ?? conditions(object)
    }

    /// The condition `Ready` of a kind without a rule; `nil` without one.
    static func readiness(_ object: KubernetesObject) -> KstatusAssessment? {
        let ready = object.status?["conditions"]?.first {
            $0["type"]?.equals("Ready") == true && $0["status"]?.isOne(of: ["True", "False", "Unknown"]) == true
        }
        guard let ready else { return nil }
        return ready.isTrueCondition
            ? KstatusAssessment(.current, "It is ready") : .inProgress(ready.code, ready.message)
    }

    private static func generation(_ object: KubernetesObject) -> KstatusAssessment? {
        guard let wanted = object.metadata?["generation"], !wanted.isNull else { return nil }
        guard let wanted = wanted.int else { return unreadable("metadata.generation", "a whole number") }
        guard let observed = object.status?["observedGeneration"], !observed.isNull else { return nil }
        guard let observed = observed.int else { return unreadable("status.observedGeneration", "a whole number") }
        guard observed != wanted else { return nil }
        return .inProgress("LatestGenerationNotObserved", "Generation \(wanted) is wanted, \(observed) is observed")
    }

    private static func conditions(_ object: KubernetesObject) -> KstatusAssessment? {
        let decisive = object.status?["conditions"]?.first {
            $0.isTrueCondition && $0["type"]?.isOne(of: ["Reconciling", "Stalled"]) == true
        }
        guard let decisive else { return nil }
        let isStalled = decisive["type"]?.equals("Stalled") == true
        return isStalled ? .failed(decisive.code, decisive.message) : .inProgress(decisive.code, decisive.message)
    }

    /// Conditions that are no list of objects with texts make everything after them unsure.
    private static func unreadableConditions(_ object: KubernetesObject) -> KstatusAssessment? {
        guard let status = object.status, !status.isNull else { return nil }
        guard status.isObject else { return unreadable("status", "an object") }
        guard let conditions = status["conditions"], !conditions.isNull else { return nil }
        guard conditions.isArray else { return unreadable("status.conditions", "an array") }
        guard conditions.first(where: { !$0.isCondition }) == nil else {
            return unreadable("status.conditions", "an array of conditions")
        }
        return nil
    }

    private static func unreadable(_ field: String, _ wanted: String) -> KstatusAssessment {
        KstatusAssessment(.unknown, "'\(field)' should be \(wanted)")
    }
}

extension JSONValue {
    /// The reason of a condition, which is a code.
    var code: String { self["reason"]?.string ?? "" }

    /// The message of a condition.
    var message: String? { self["message"]?.string }

    fileprivate var isCondition: Bool {
        isObject
            && [self["type"], self["status"], self["reason"], self["message"]].allSatisfy { text in
                text.map { $0.isString || $0.isNull } ?? true
            }
    }
}

extension KubernetesObject {
    /// The wanted number of pods: 1 when the object does not say, as controllers have it.
    var wantedReplicasOrOne: Int64 { wantedReplicas ?? 1 }
}
