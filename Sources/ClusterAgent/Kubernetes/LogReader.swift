import Domain
import Kubernetes

/// Reads a container's log for one command; bounds are the agent's business, this one only does not read ahead of it.
struct LogReader: Sendable {
    let client: KubernetesClient
    let view: ClusterView

    /// So many lines wait to be taken before reading stops.
    private static let mostWaiting = 2000

    /// Reads until the log ends, or its task is cancelled.
    func run(_ request: LogsRequested, _ work: ClusterWork) async {
        do throws(KubernetesError) {
            try await client.log(
                of: request.pod,
                in: request.namespace,
                KubernetesClient.LogRange(
                    container: request.container,
                    lines: request.lines,
                    follow: request.follow,
                    previous: request.previous,
                    // One more than is wanted, so that the agent sees that there is more.
                    bytes: request.follow ? nil : request.bytes + 1
                ),
                limit: .seconds(request.follow ? request.seconds + 60 : 120)
            ) { [view] line in
                while view.waitingLines > Self.mostWaiting {
                    if Task.isCancelled { break }
                    try? await Task.sleep(for: .milliseconds(20))
                }
                view.tell(.logged(request, lines: [String(decoding: line, as: UTF8.self)]))
            }
            view.tell(.finished(work, nil))
        } catch {
            guard !Task.isCancelled else { return }
            let code = error.isNotFound ? "pod_missing" : "log_unreadable"
            view.tell(.finished(work, WorkFailure(code: code, message: "\(error)")))
        }
    }
}
