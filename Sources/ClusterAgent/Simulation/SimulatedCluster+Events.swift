import Domain

/// Kubernetes Events of pods, in the words of schedulers and kubelets.
extension SimulatedCluster {
    /// Tells what a pod's step means.
    mutating func tellEvents(of pod: ClusterObject, _ life: PodLife, since before: PodLife.State) {
        guard life.state != before else { return }
        let name = "\(pod.id.namespace)/\(pod.id.name)"
        switch life.state {
        case .creating:
            tell(pod, "Scheduled", "Successfully assigned \(name) to \(pod.spec?["nodeName"]?.string ?? "")")
            for image in images(of: pod) { tell(pod, "Pulling", "Pulling image \"\(image)\"") }
        case .unschedulable:
            let why = "0/3 nodes are available: 3 Insufficient cpu."
            tell(pod, "FailedScheduling", why, isWarning: true)
        case .pullError:
            for image in images(of: pod) {
                let why = PodStatus.refusal(of: image)
                tell(pod, "Failed", "Failed to pull image \"\(image)\": \(why)", isWarning: true)
            }
            tell(pod, "Failed", "Error: ErrImagePull", isWarning: true)
        case .pullBackOff:
            for image in images(of: pod) { tell(pod, "BackOff", "Back-off pulling image \"\(image)\"") }
            tell(pod, "Failed", "Error: ImagePullBackOff", isWarning: true)
        case .configError:
            for container in pod.containerNames {
                tell(pod, "Failed", "Error: secret \"\(container)-credentials\" not found", isWarning: true)
            }
        case .running: tellStart(of: pod, life, isFirst: before == .creating || before == .initializing)
        case .crashBackOff:
            for container in pod.containerNames {
                let why = "Back-off restarting failed container \(container) in pod \(pod.id.name)"
                tell(pod, "BackOff", why, isWarning: true)
            }
        case .pending, .initializing, .ready, .terminated, .succeeded, .failed: break
        }
    }

    private mutating func tellStart(of pod: ClusterObject, _ life: PodLife, isFirst: Bool) {
        for container in pod.spec?["containers"]?.elements ?? [] {
            let (name, image) = (container["name"]?.string ?? "", container["image"]?.string ?? "")
            let pulled =
                isFirst
                ? "Successfully pulled image \"\(image)\"" : "Container image \"\(image)\" already present on machine"
            tell(pod, "Pulled", pulled)
            tell(pod, "Created", "Created container \(name)")
            tell(pod, "Started", "Started container \(name)")
        }
        guard life.failure == .neverReady else { return }
        tell(pod, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", isWarning: true)
    }

    private func images(of pod: ClusterObject) -> [String] {
        (pod.spec?["containers"]?.elements ?? []).compactMap { $0["image"]?.string }
    }

    /// Tells an Event; one with the same words counts on.
    mutating func tell(_ object: ClusterObject, _ reason: String, _ message: String, isWarning: Bool = false) {
        let time = ClusterObject.time(now)
        let key = "\(reason) \(message)"
        var event =
            happened[object.id]?[key]
            ?? KubernetesEvent(
                namespace: object.id.namespace,
                kind: object.id.kind,
                name: object.id.name,
                instance: object.instance,
                type: isWarning ? "Warning" : "Normal",
                reason: reason,
                message: message,
                count: 0,
                firstTime: time,
                lastTime: time,
                uid: random.uuid()
            )
        event.count += 1
        event.lastTime = time
        happened[object.id, default: [:]][key] = event
        report(.happened(event))
    }
}
