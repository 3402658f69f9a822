import Domain
import Kubernetes
import Logging
import Synchronization

/// Watches one kind in one namespace: lists, then follows, and lists again when what it would follow is too old.
struct ObjectWatcher: Sendable {
    let client: KubernetesClient
    let kind: KubernetesKind
    let namespace: String?
    let labels: String?
    let logger: Logger
    /// Takes everything that is there, when it was listed.
    let replace: @Sendable ([ObjectValue]) -> Void
    /// Takes one that was added or has changed.
    let put: @Sendable (ObjectValue) -> Void
    /// Takes one that is gone.
    let remove: @Sendable (ObjectValue) -> Void

    /// The server ends a watch after about as many seconds; each takes a little longer, so that not all end at once.
    private static let watchSeconds = 240...300
    private static let shortestPause = Duration.milliseconds(250)
    private static let fewFailures = 4
    private static let longestPause = Duration.seconds(10)

    /// Watches until its task is cancelled.
    func run() async {
        var version: String?
        var pause = Self.shortestPause
        var failures = 0
        while !Task.isCancelled {
            do throws(KubernetesError) {
                if version == nil { version = try await list() }
                version = try await follow(from: version ?? "")
                if failures >= Self.fewFailures {
                    logger.notice("\(kind.plural) of \(namespace ?? "the cluster") are followed again")
                }
                (pause, failures) = (Self.shortestPause, 0)
            } catch {
                guard !Task.isCancelled else { return }
                if error.isGone {
                    version = nil
                } else {
                    // Told once: it is tried until it succeeds. Rights in a new namespace take a moment.
                    failures += 1
                    if failures == Self.fewFailures {
                        logger.warning("\(kind.plural) of \(namespace ?? "the cluster"): \(error)")
                    }
                    // Forbidden, or not there: the place in the stream says nothing any more.
                    if !error.isRetriable { version = nil }
                }
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1.5))
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    private var detail: KubernetesClient.Detail { kind.kind == "Secret" ? .metadata : .whole }

    private func list() async throws(KubernetesError) -> String {
        var items: [ObjectValue] = []
        var next: String?
        var version = ""
        repeat {
            let bytes = try await client.list(kind, namespace: namespace, labels: labels, detail: detail, next: next)
            let page = try Self.read(bytes)
            items += page["items"]?.elements ?? []
            version = page.path("metadata", "resourceVersion")?.string ?? version
            next = page.path("metadata", "continue")?.string
        } while next?.isEmpty == false
        replace(items)
        return version
    }

    /// Follows until the server ends the watch; returns the version to go on from.
    private func follow(from start: String) async throws(KubernetesError) -> String {
        let version = Mutex(start)
        let (put, remove) = (put, remove)
        try await client.watch(
            kind,
            namespace: namespace,
            labels: labels,
            detail: detail,
            from: start,
            seconds: Int.random(in: Self.watchSeconds)
        ) { line in
            let change = try Self.read(line)
            guard let object = change["object"] else { return }
            switch change["type"]?.string {
            case "ADDED", "MODIFIED": put(object)
            case "DELETED": remove(object)
            case "BOOKMARK": break
            case "ERROR":
                throw KubernetesError(
                    status: Int(object["code"]?.int ?? 500),
                    reason: object["reason"]?.string ?? "Unknown",
                    message: object["message"]?.string ?? "the watch was ended"
                )
            default: return
            }
            if let newest = object.path("metadata", "resourceVersion")?.string { version.withLock { $0 = newest } }
        }
        return version.withLock { $0 }
    }

    private static func read(_ bytes: [UInt8]) throws(KubernetesError) -> ObjectValue {
        do {
            return try ObjectValue(answer: bytes)
        } catch {
            throw KubernetesError(status: 500, reason: "InvalidAnswer", message: error.sentence)
        }
    }
}
