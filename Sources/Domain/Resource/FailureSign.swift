internal import JSON

/// What a pod shows when it will probably not come up by itself.
public struct FailureSign: Sendable, Hashable {
    /// The kinds of sign; the raw value is the reason code of a command that fails for it.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// An image cannot be pulled: it is missing, misspelt or not allowed.
        case imagePull = "image_pull"
        /// A container ends again and again right after its start.
        case crashLoop = "crash_loop"
        /// A container's configuration names something that does not exist.
        case configError = "config_error"
        /// No node takes the pod. A cluster that grows may mend it, so it does not fail a command by itself.
        case unschedulable

        /// Whether the sign, when it lasts, fails the command that made the pod.
        public var isFailing: Bool { self != .unschedulable }
    }

    /// Which sign it is.
    public let code: Code
    /// What is wrong and where to look, for people.
    public let sentence: String

    /// Makes a sign.
    public init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}

extension FailureSign {
    /// Looks for the first sign in a pod: init containers, then containers, then scheduling.
    init?(pod object: KubernetesObject, name: String) {
        let status = object.status
        for list in [status?["initContainerStatuses"], status?["containerStatuses"]] {
            var found: FailureSign?
            list?.forEachElement { container in
                if found == nil { found = FailureSign(container: container, pod: name) }
            }
            guard let found else { continue }
            self = found
            return
        }
        guard let scheduled = object.condition("PodScheduled"), scheduled["reason"]?.equals("Unschedulable") == true,
            scheduled["status"]?.equals("False") == true
        else { return nil }
        let why = Self.detail(scheduled["message"]) ?? ": the cluster gives no reason"
        self.init(.unschedulable, "No node takes the pod \(name)\(why)")
    }

    private init?(container: JSONValue, pod: String) {
        guard let waiting = container["state"]?["waiting"], let reason = waiting["reason"] else { return nil }
        let name = container["name"]?.string ?? ""
        let detail = Self.detail(waiting["message"]) ?? ""
        if reason.equals("ErrImagePull") || reason.equals("ImagePullBackOff") || reason.equals("InvalidImageName") {
            let image = container["image"]?.string ?? ""
            let advice = "check its name and tag, and that the cluster may pull it"
            self.init(
                .imagePull,
                "The image \(image) of the container \(name) cannot be pulled (pod \(pod)): \(advice)\(detail)"
            )
        } else if reason.equals("CrashLoopBackOff") {
            self.init(.crashLoop, Self.crash(of: container, name: name, pod: pod))
        } else if reason.equals("CreateContainerConfigError") {
            self.init(
                .configError,
                "The container \(name) cannot be created (pod \(pod)): check the config maps and secrets it names\(detail)"
            )
        } else {
            return nil
        }
    }

    private static func crash(of container: JSONValue, name: String, pod: String) -> String {
        let restarts = container["restartCount"]?.int ?? 0
        let ended = container["lastState"]?["terminated"]
        let code = ended?["exitCode"]?.int.map { "with exit code \($0)" } ?? "without an exit code"
        let why = ended?["reason"]?.equals("OOMKilled") == true ? ", out of memory" : ""
        return
            "The container \(name) keeps ending \(code)\(why), restarted \(restarts) times (pod \(pod)): see its logs"
    }

    /// The cluster's own words after a colon, cut where registries become long-winded.
    private static func detail(_ message: JSONValue?) -> String? {
        guard let text = message?.string, !text.isEmpty else { return nil }
        return ": " + (text.utf8.count <= 200 ? text : String(text.prefix(200)) + "…")
    }
}
