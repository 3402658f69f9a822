import Domain
import Kubernetes
import Logging
import Synchronization

/// Watches one kind in one namespace: lists, then follows, and lists again when what it would follow is too old.
///
/// Of each object only what is read of it is held, also while a long list is fetched page by page.
struct ObjectWatcher<Item: Sendable>: Sendable {
    let client: KubernetesClient
    let kind: KubernetesKind
    let namespace: String?
    let labels: String?
    let logger: Logger
    /// Takes what is of use of an object; `nil` where it is none of ours.
    let read: @Sendable (ObjectValue) -> Item?
    /// Takes everything that is there, when it was listed.
    let replace: @Sendable ([Item]) -> Void
    /// Takes one that was added or has changed.
    let put: @Sendable (Item) -> Void
    /// Takes one that is gone.
    let remove: @Sendable (ObjectValue) -> Void
    /// Whether the server may have no such kind: then there is nothing of it.
    ///
    /// Of other kinds a server says so by mistake, such as one that is starting; nothing is gone then.
    var isOptional = false
    /// Waits for a while.
    var rest: @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    /// A watch that ends sooner ended at once.
    var shortestWatch: Duration = .seconds(1)
    /// Is called when the server says that the agent has no right to it.
    var denied: @Sendable () async -> Void = {}

    /// The server ends a watch after about as many seconds; each takes a little longer, so that not all end at once.
    private var watchSeconds: ClosedRange<Int> { 240...300 }
    private var shortestPause: Duration { .milliseconds(250) }
    private var fewFailures: Int { 4 }
    private var longestPause: Duration { .seconds(10) }
    /// How long after the server had no such kind it is asked again: it may be installed any time.
    private var absentPause: Duration { .seconds(60) }
    /// A page of these may hold a megabyte each.
    private var pageSize: Int { kind.kind == "ConfigMap" ? 50 : 500 }

    /// Watches until its task is cancelled.
    func run() async {
        let place = WatchPlace()
        var pause = shortestPause
        var (failures, hasListed) = (0, false)
        while !Task.isCancelled {
            do throws(KubernetesError) {
                let isLost = try await hasToList(place, after: failures)
                place.hasAdvanced = false
                if isLost { place.version = try await list() }
                hasListed = true
                let began = ContinuousClock.now
                try await follow(from: place)
                noteProgress(after: failures)
                (pause, failures) = (shortestPause, 0)
                // A server that ends watches at once is not asked without a break.
                if ContinuousClock.now - began < shortestWatch { await rest(shortestPause) }
            } catch {
                guard !Task.isCancelled else { return }
                if place.hasAdvanced {
                    noteProgress(after: failures)
                    (pause, failures) = (shortestPause, 0)
                }
                if !error.isGone { failures += 1 }
                // Gone, forbidden or not there: the place in the stream says nothing any more.
                if !error.isRetriable { place.version = nil }
                if isAbsent(error, hasListed: hasListed, failures: failures) {
                    replace([])
                    (pause, hasListed) = (absentPause, false)
                } else if !error.isGone {
                    await noteFailure(failures, error)
                }
                await rest(pause * Double.random(in: 0.5...1.5))
                pause = min(pause * 2, longestPause)
            }
        }
    }

    /// Whether the server has no such kind, or none that the agent may see.
    ///
    /// Who has listed objects once does not take a single answer for it: a server that is starting knows less for a moment.
    private func isAbsent(_ error: KubernetesError, hasListed: Bool, failures: Int) -> Bool {
        guard isOptional else { return false }
        if error.isNotFound { return !hasListed || failures >= fewFailures }
        return error.isDenied && !hasListed && failures >= fewFailures
    }

    /// Tells that it goes on, where it was told that it does not.
    private func noteProgress(after failures: Int) {
        guard failures >= fewFailures else { return }
        logger.notice("\(kind.plural) of \(namespace ?? "the cluster") are followed again")
    }

    /// Tells of it once, because it is tried until it succeeds, and asks for rights that are missing.
    private func noteFailure(_ failures: Int, _ error: KubernetesError) async {
        if failures == fewFailures { logger.warning("\(kind.plural) of \(namespace ?? "the cluster"): \(error)") }
        if error.isDenied { await denied() }
    }

    private var detail: KubernetesClient.Detail { kind.kind == "Secret" ? .metadata : .whole }

    /// Whether everything has to be listed: nothing was yet, or the server has not come as far as what was taken.
    ///
    /// One whose database was put back would say nothing until it has come there. Where versions are no numbers it is
    /// followed from the same place.
    private func hasToList(_ place: WatchPlace, after failures: Int) async throws(KubernetesError) -> Bool {
        guard let version = place.version else { return true }
        guard failures > 0, !place.hasAdvanced, let taken = UInt64(version) else { return false }
        let bytes = try await client.list(kind, namespace: namespace, labels: labels, detail: .metadata, limit: 1)
        let newest = try Self.value(bytes).path("metadata", "resourceVersion")?.string.flatMap { UInt64($0) }
        return newest.map { $0 < taken } ?? false
    }

    private func list() async throws(KubernetesError) -> String {
        var items: [Item] = []
        var next: String?
        var version = ""
        repeat {
            let bytes = try await client.list(
                kind,
                namespace: namespace,
                labels: labels,
                detail: detail,
                limit: pageSize,
                next: next
            )
            let page = try Self.value(bytes)
            items += (page["items"]?.elements ?? []).compactMap(read)
            version = page.path("metadata", "resourceVersion")?.string ?? version
            next = page.path("metadata", "continue")?.string
        } while next?.isEmpty == false
        replace(items)
        return version
    }

    /// Follows until the server ends the watch, or something goes wrong; the place goes along.
    private func follow(from place: WatchPlace) async throws(KubernetesError) {
        let (read, put, remove) = (read, put, remove)
        try await client.watch(
            kind,
            namespace: namespace,
            labels: labels,
            detail: detail,
            from: place.version ?? "",
            seconds: Int.random(in: watchSeconds)
        ) { line in
            let change = try Self.value(line)
            guard let object = change["object"] else { return }
            switch change["type"]?.string {
            case "ADDED", "MODIFIED": if let item = read(object) { put(item) }
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
            if let newest = object.path("metadata", "resourceVersion")?.string { place.advance(to: newest) }
        }
    }

    private static func value(_ bytes: [UInt8]) throws(KubernetesError) -> ObjectValue {
        do {
            return try ObjectValue(answer: bytes)
        } catch {
            throw KubernetesError(status: 500, reason: "InvalidAnswer", message: error.sentence)
        }
    }
}

/// Where in the stream of changes a watcher stands, also when the connection breaks in the middle of it.
private final class WatchPlace: Sendable {
    private struct State {
        var version: String?
        var hasAdvanced = false
    }

    private let state = Mutex(State())

    /// The newest version that was taken; `nil` where everything has to be listed.
    var version: String? {
        get { state.withLock { $0.version } }
        set { state.withLock { $0.version = newValue } }
    }

    /// Whether anything was taken since this was set back.
    var hasAdvanced: Bool {
        get { state.withLock { $0.hasAdvanced } }
        set { state.withLock { $0.hasAdvanced = newValue } }
    }

    /// Notes that everything up to a version was taken.
    func advance(to version: String) {
        state.withLock { $0 = State(version: version, hasAdvanced: true) }
    }
}
