internal import JSON

/// kstatus's rule for Services: the address inside the cluster, not that of the load balancer.
enum KstatusService {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        let spec = object.spec
        guard spec?["type"]?.equals("LoadBalancer") == true else { return KstatusAssessment(.current, "It is ready") }
        guard let address = spec?["clusterIP"], address.isString, !address.equals("") else {
            return .inProgress("NoIPAssigned", "It has no address inside the cluster yet")
        }
        return KstatusAssessment(.current, "It is ready")
    }
}

/// kstatus's rule for PersistentVolumeClaims: bound or not.
enum KstatusPersistentVolumeClaim {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        let phase = object.status?["phase"]
        if phase?.equals("Bound") == true { return KstatusAssessment(.current, "It is bound") }
        return .inProgress("NotBound", "It is not bound; its phase is \((phase?.string ?? "unknown").prefix(80))")
    }
}

/// kstatus's rule for CustomResourceDefinitions: the first condition with an opinion decides.
enum KstatusCustomResourceDefinition {
    static func assess(_ object: KubernetesObject) -> KstatusAssessment {
        var found: KstatusAssessment?
        object.status?["conditions"]?.forEachElement { condition in
            if found == nil { found = opinion(of: condition) }
        }
        return found ?? .inProgress("Installing", "It is being installed")
    }

    private static func opinion(of condition: JSONValue) -> KstatusAssessment? {
        guard let type = condition["type"], let status = condition["status"] else { return nil }
        if type.equals("NamesAccepted"), status.equals("False") { return .failed(condition.code, condition.message) }
        guard type.equals("Established") else { return nil }
        if status.equals("True") { return KstatusAssessment(.current, "It is established") }
        guard status.equals("False"), condition["reason"]?.equals("Installing") != true else { return nil }
        return .failed(condition.code, condition.message)
    }
}
