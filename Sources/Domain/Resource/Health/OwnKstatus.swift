internal import JSON

/// Slipway's reading of kstatus's rules: what failed, still runs, or waits for an address is not current.
enum OwnKstatus {
    /// Assesses one object at an age.
    ///
    /// - Parameters:
    ///   - age: Microseconds since it was first seen or made; `nil` if unknown.
    ///   - patience: How long an address may be awaited, in microseconds.
    static func assess(
        _ object: KubernetesObject,
        kind: String,
        apiVersion: String,
        age: Int64?,
        patience: Int64 = AddressWait.patience
    ) -> KstatusAssessment {
        let theirs = KstatusRules.assess(object, kind: kind, apiVersion: apiVersion, age: age)
        guard theirs.status == .current else { return theirs }
        if kind == "Pod", apiVersion == "v1", object.status?["phase"]?.equals("Failed") == true {
            let why = PodHealth.failure(object.status, object.status?["message"]?.string)
            return .failed("PodFailed", why ?? theirs.reason)
        }
        if kind == "Job", apiVersion.hasPrefix("batch/"), KstatusJob.isRunning(object) {
            return .inProgress("JobRunning", theirs.reason)
        }
        guard AddressWait.isWaiting(object, kind: kind, apiVersion: apiVersion) else { return theirs }
        guard AddressWait.isOver(age: age, patience: patience) else {
            return .inProgress("AwaitingAddress", "It waits for the load balancer's address")
        }
        return .failed("NoAddress", AddressWait.failure(patience: patience))
    }
}
