internal import JSON

/// The rule for Pods.
enum PodHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        let policy = object.spec?["restartPolicy"]
        let restartsAlways = policy?.equals("Always") ?? false
        let staysUp = restartsAlways || ignoresRestartPolicy(object)
        if staysUp, let broken = waitingInError(object) { return broken }

        let status = object.status
        let message = status?["message"]?.string
        let phase = status?["phase"]
        if phase?.equals("Pending") == true { return HealthAssessment(.progressing, message) }
        if phase?.equals("Succeeded") == true { return HealthAssessment(.healthy, message) }
        if phase?.equals("Failed") == true { return HealthAssessment(.degraded, failure(status, message)) }
        guard phase?.equals("Running") == true else { return HealthAssessment(.unknown, message) }
        if staysUp {
            if isReady(object) { return HealthAssessment(.healthy, message) }
            return HealthAssessment(hasTerminatedBefore(status) ? .degraded : .progressing, message)
        }
        // A pod that ends is most often a hook: it is done when it has succeeded, not while it runs.
        if policy?.equals("OnFailure") == true || policy?.equals("Never") == true {
            return HealthAssessment(.progressing, message)
        }
        return HealthAssessment(.unknown, message)
    }

    /// Whether the condition `Ready` is true.
    static func isReady(_ object: KubernetesObject) -> Bool {
        object.condition("Ready")?.isTrueCondition ?? false
    }

    /// Whether it has ended as a whole and will not run again, such as one that was evicted.
    static func hasFailed(_ object: KubernetesObject) -> Bool { object.status?["phase"]?.equals("Failed") ?? false }

    /// Containers that wait with a reason like `ErrImagePull`, `CreateContainerError` or `CrashLoopBackOff`.
    private static func waitingInError(_ object: KubernetesObject) -> HealthAssessment? {
        var messages: [String] = []
        var isBroken = false
        object.status?["containerStatuses"]?.forEachElement { container in
            guard let waiting = container["state"]?["waiting"], let reason = waiting["reason"]?.string else { return }
            guard reason.hasPrefix("Err") || reason.hasSuffix("Error") || reason.hasSuffix("BackOff") else { return }
            isBroken = true
            messages.append(waiting["message"]?.string ?? reason)
        }
        return isBroken ? HealthAssessment(.degraded, messages.joined(separator: ", ")) : nil
    }

    private static func ignoresRestartPolicy(_ object: KubernetesObject) -> Bool {
        guard let annotations = object.annotations else { return false }
        guard annotations["argocd.argoproj.io/ignore-restart-policy"]?.equals("true") == true else { return false }
        return !isHook(annotations)
    }

    /// Whether Argo CD runs the pod as a hook: not one that is only to be skipped, nor Helm's mark for definitions.
    private static func isHook(_ annotations: JSONValue) -> Bool {
        guard let own = annotations["argocd.argoproj.io/hook"] else {
            return annotations["helm.sh/hook"].map { !$0.equals("crd-install") } ?? false
        }
        let known: Set<Substring> = ["PreSync", "Sync", "PostSync", "SyncFail", "Skip"]
        let types = (own.string ?? "").split { $0 == "," || $0 == " " }.filter { known.contains($0) }
        return Set(types) != ["Skip"]
    }

    private static func hasTerminatedBefore(_ status: JSONValue?) -> Bool {
        status?["containerStatuses"]?.first { container in
            container["lastState"]?["terminated"].map { !$0.isNull } ?? false
        } != nil
    }

    /// The pod's own message, else the first thing a container ended with, init containers first.
    private static func failure(_ status: JSONValue?, _ message: String?) -> String? {
        if let message, !message.isEmpty { return message }
        var found: String?
        for list in [status?["initContainerStatuses"], status?["containerStatuses"]] {
            list?.forEachElement { container in
                if found == nil { found = ending(of: container) }
            }
        }
        return found
    }

    private static func ending(of container: JSONValue) -> String? {
        guard let terminated = container["state"]?["terminated"] else { return nil }
        if let message = terminated["message"]?.string, !message.isEmpty { return message }
        if terminated["reason"]?.equals("OOMKilled") == true { return "OOMKilled" }
        guard let code = terminated["exitCode"]?.int, code != 0 else { return nil }
        return "The container \(container["name"]?.string ?? "") ended with exit code \(code)"
    }
}
