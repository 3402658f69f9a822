import Domain
import WorkerRuntime

/// Writes a simulated pod's status with the words that schedulers and kubelets use.
struct PodStatus {
    let pod: ClusterObject
    let life: PodLife
    let timings: SimulatedTimings
    /// Microseconds since 1970.
    let now: Int64

    var value: ObjectValue {
        var status: ObjectValue = ["phase": .string(phase), "qosClass": "BestEffort"]
        status["conditions"] = .array(conditions)
        guard let scheduledAt = life.scheduledAt else { return status }
        status["hostIP"] = "10.0.0.11"
        status["startTime"] = .string(ClusterObject.time(scheduledAt))
        if hasStarted || life.state == .initializing {
            status["podIP"] = .string(address)
            status["podIPs"] = [["ip": .string(address)]]
        }
        if !initContainers.isEmpty {
            status["initContainerStatuses"] = .array(initContainers.enumerated().map(initStatus))
        }
        status["containerStatuses"] = .array(containers.map(containerStatus))
        return status
    }

    private var hasStarted: Bool { life.startedAt > 0 }
    private var isReady: Bool { life.state == .ready }
    private var containers: [ObjectValue] { pod.spec?["containers"]?.elements ?? [] }
    private var initContainers: [ObjectValue] { pod.spec?["initContainers"]?.elements ?? [] }

    private var phase: String {
        switch life.state {
        case .succeeded: "Succeeded"
        case .failed: "Failed"
        default: hasStarted ? "Running" : "Pending"
        }
    }

    /// An address of the pod network that stays the pod's own.
    private var address: String {
        let number = StableHash.of(pod.uid)
        return "10.244.\(number >> 8 & 0xFF).\(number & 0xFF | 1)"
    }

    private var conditions: [ObjectValue] {
        guard life.state != .unschedulable else {
            let why =
                "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: "
                + "3 No preemption victims found for incoming pod."
            return [condition("PodScheduled", false, reason: "Unschedulable", message: why)]
        }
        guard life.scheduledAt != nil else { return [] }
        let names = containers.compactMap { $0["name"]?.string }.joined(separator: " ")
        let unready = life.state == .succeeded ? "PodCompleted" : life.state == .failed ? "PodFailed" : nil
        let reason = isReady ? nil : unready ?? "ContainersNotReady"
        let message = isReady || unready != nil ? nil : "containers with unready status: [\(names)]"
        let isInitialized = initContainers.isEmpty || life.initializedAt != nil
        return [
            condition("PodScheduled", true),
            condition("Initialized", isInitialized, reason: isInitialized ? nil : "ContainersNotInitialized"),
            condition("ContainersReady", isReady, reason: reason, message: message),
            condition("Ready", isReady, reason: reason, message: message),
        ]
    }

    private func condition(_ type: String, _ isTrue: Bool, reason: String? = nil, message: String? = nil) -> ObjectValue
    {
        var condition: ObjectValue = ["type": .string(type), "status": isTrue ? "True" : "False"]
        condition["lastTransitionTime"] = .string(ClusterObject.time(now))
        condition["reason"] = reason.map { .string($0) }
        condition["message"] = message.map { .string($0) }
        return condition
    }

    private func initStatus(_ place: Int, _ container: ObjectValue) -> ObjectValue {
        let starts = life.initStarts
        let state: ObjectValue
        var isDone = false
        if place >= starts.count {
            state = Self.waiting("PodInitializing")
        } else if let finished = place + 1 < starts.count ? starts[place + 1] : life.initializedAt {
            state = ["terminated": Self.terminated(.init(started: starts[place], finished: finished, exitCode: 0))]
            isDone = true
        } else {
            state = ["running": ["startedAt": .string(ClusterObject.time(starts[place]))]]
        }
        return [
            "name": container["name"] ?? "", "image": container["image"] ?? "", "ready": .bool(isDone),
            "started": .bool(place + 1 == starts.count && !isDone), "restartCount": 0, "state": state,
            "lastState": .empty,
        ]
    }

    private func containerStatus(_ container: ObjectValue) -> ObjectValue {
        let image = container["image"]?.string ?? ""
        let name = container["name"]?.string ?? ""
        var status: ObjectValue = [
            "name": .string(name), "image": .string(image), "ready": .bool(isReady),
            "started": .bool(life.state == .running || isReady), "restartCount": .int(life.restarts),
            "state": state(of: name, image: image),
        ]
        if let ended = life.ended, life.state != .terminated, !life.isOver {
            status["lastState"] = ["terminated": Self.terminated(ended)]
        } else {
            status["lastState"] = .empty
        }
        return status
    }

    private func state(of name: String, image: String) -> ObjectValue {
        switch life.state {
        case .pending, .unschedulable, .creating:
            Self.waiting(initContainers.isEmpty ? "ContainerCreating" : "PodInitializing")
        case .initializing: Self.waiting("PodInitializing")
        case .pullError: Self.waiting("ErrImagePull", Self.refusal(of: image))
        case .pullBackOff: Self.waiting("ImagePullBackOff", "Back-off pulling image \"\(image)\"")
        case .configError: Self.waiting("CreateContainerConfigError", "secret \"\(name)-credentials\" not found")
        case .running, .ready: ["running": ["startedAt": .string(ClusterObject.time(life.startedAt))]]
        case .terminated, .succeeded, .failed: ["terminated": life.ended.map(Self.terminated) ?? .empty]
        case .crashBackOff:
            Self.waiting(
                "CrashLoopBackOff",
                "back-off \(Self.goDuration(life.backOffTime(timings))) restarting failed container=\(name) "
                    + "pod=\(pod.id.name)_\(pod.id.namespace)(\(pod.uid))"
            )
        }
    }

    private static func waiting(_ reason: String, _ message: String? = nil) -> ObjectValue {
        var waiting: ObjectValue = ["reason": .string(reason)]
        waiting["message"] = message.map { .string($0) }
        return ["waiting": waiting]
    }

    private static func terminated(_ run: PodLife.Run) -> ObjectValue {
        [
            "exitCode": .int(run.exitCode), "reason": run.exitCode == 0 ? "Completed" : "Error",
            "startedAt": .string(ClusterObject.time(run.started)),
            "finishedAt": .string(ClusterObject.time(run.finished)),
        ]
    }

    /// What containerd says of an image that the registry does not have.
    static func refusal(of image: String) -> String {
        let first = image.split(separator: "/").first ?? ""
        let isQualified = image.contains("/") && (first.contains(".") || first.contains(":") || first == "localhost")
        let name = isQualified ? image : image.contains("/") ? "docker.io/\(image)" : "docker.io/library/\(image)"
        return "rpc error: code = NotFound desc = failed to pull and unpack image \"\(name)\": "
            + "failed to resolve reference \"\(name)\": \(name): not found"
    }

    /// Go's way to write a duration: `10s`, `1m20s`.
    private static func goDuration(_ microseconds: Int64) -> String {
        let seconds = max(microseconds / 1_000_000, 1)
        return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }
}
