internal import JSON

/// One word on how a pod is doing, as kubectl's column STATUS has it.
///
/// The rules are those of Kubernetes' printer, but for a pod that failed as a whole (Evicted, DeadlineExceeded): its own
/// reason stays, where kubectl may show how one of its containers ended.
struct PodText {
    private let pod: KubernetesObject
    private let status: JSONValue?
    private let sidecars: Set<String>

    init(_ pod: KubernetesObject) {
        self.pod = pod
        status = pod.status
        sidecars = Self.sidecars(pod)
    }

    /// The names of the init containers that go on running beside the others.
    static func sidecars(_ pod: KubernetesObject) -> Set<String> {
        var names: Set<String> = []
        pod.spec?["initContainers"]?.forEachElement { container in
            if container["restartPolicy"]?.equals("Always") == true, let name = container["name"]?.string {
                names.insert(name)
            }
        }
        return names
    }

    var text: String {
        let isEnded = status?["phase"].map { $0.equals("Succeeded") || $0.equals("Failed") } ?? false
        if let deletion = pod.deletionTimestamp, !deletion.isNull {
            if status?["reason"]?.equals("NodeLost") == true { return "Unknown" }
            if !isEnded { return "Terminating" }
        }
        let own = ContainerText.filled(status?["reason"])
        if let own, status?["phase"]?.equals("Failed") == true { return own }
        let initial = initialization
        if let initial, pod.condition("Initialized")?.isTrueCondition != true { return initial }
        if let ended = containers { return ended }
        return initial ?? gate ?? own ?? status?["phase"]?.string ?? "Unknown"
    }

    /// What a pod waits for before it is scheduled at all.
    private var gate: String? {
        pod.condition("PodScheduled")?["reason"]?.equals("SchedulingGated") == true ? "SchedulingGated" : nil
    }

    /// The first init container that is not done: `Init:1/3`, or `Init:` and its trouble; `nil` when all are done.
    private var initialization: String? {
        let total = pod.spec?["initContainers"]?.count ?? 0
        var index = 0
        var found: String?
        status?["initContainerStatuses"]?.forEachElement { container in
            defer { index += 1 }
            guard found == nil, !isDone(container) else { return }
            found = "Init:" + (ContainerText.trouble(container, whenStarting: "PodInitializing") ?? "\(index)/\(total)")
        }
        return found
    }

    private func isDone(_ container: JSONValue) -> Bool {
        if container["state"]?["terminated"]?["exitCode"]?.int == 0 { return true }
        return container["started"]?.bool == true && sidecars.contains(container["name"]?.string ?? "")
    }

    /// What the containers say, the first one that says something; `nil` when none does.
    private var containers: String? {
        var found: String?
        var isRunning = false
        status?["containerStatuses"]?.forEachElement { container in
            if container["ready"]?.bool == true, container["state"]?["running"].map({ !$0.isNull }) == true {
                isRunning = true
            }
            if found == nil { found = ContainerText.trouble(container, whenStarting: nil) }
        }
        guard found == "Completed", isRunning else { return found }
        return PodHealth.isReady(pod) ? "Running" : "NotReady"
    }
}
