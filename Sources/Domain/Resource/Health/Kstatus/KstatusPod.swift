internal import JSON

/// kstatus's rule for Pods; a failed one is current to it, because it is over.
enum KstatusPod {
    /// How long no node may take a pod before that is a failure, in microseconds: 15 seconds.
    static let scheduling: Int64 = 15_000_000

    static func assess(_ object: KubernetesObject, age: Int64?) -> KstatusAssessment {
        let phase = object.status?["phase"]?.string ?? ""
        switch phase {
        case "Succeeded": return KstatusAssessment(.current, "It ended with success")
        case "Failed": return KstatusAssessment(.current, "It ended without success")
        case "Running": return running(object)
        case "Pending": return pending(object, age: age)
        case "": return .inProgress("PodNotObserved", "It has no phase yet")
        default: return KstatusAssessment(.unknown, "The phase '\(phase.prefix(80))' is not one that pods have")
        }
    }

    private static func running(_ object: KubernetesObject) -> KstatusAssessment {
        if object.condition("Ready", "True") != nil { return KstatusAssessment(.current, "It is ready") }
        var looping: [String] = []
        object.status?["containerStatuses"]?.forEachElement { container in
            guard container["state"]?["waiting"]?["reason"]?.equals("CrashLoopBackOff") == true else { return }
            if let name = container["name"]?.string { looping.append(name) }
        }
        guard looping.isEmpty else {
            return .failed(
                "ContainerCrashLooping",
                "Containers end again and again: \(looping.joined(separator: ", "))"
            )
        }
        return .inProgress("PodRunningNotReady", "It runs and is not ready")
    }

    private static func pending(_ object: KubernetesObject, age: Int64?) -> KstatusAssessment {
        // The first condition that says no decides, also over a later one with another reason.
        guard object.condition("PodScheduled", "False")?["reason"]?.equals("Unschedulable") == true else {
            return .inProgress("PodPending", "It is pending")
        }
        if let age, age < scheduling { return .inProgress("PodNotScheduled", "No node has taken it yet") }
        return .failed("PodUnschedulable", "No node takes it")
    }
}
