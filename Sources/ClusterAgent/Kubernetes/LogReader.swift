import Domain
import Kubernetes
import Synchronization

/// Reads a container's log for one command, no faster than its pace and than it is taken; how much of it is sent is the
/// agent's business.
struct LogReader: Sendable {
    let client: KubernetesClient
    let view: ClusterView

    /// So many bytes of all logs wait to be taken before reading stops, each line counted with what it takes beside them.
    private static let mostWaiting = 4 << 20
    /// When a log that is followed ends, the agent says; the connection is cut then at the latest.
    private static let longest = Duration.seconds(86_400)

    /// Reads until the log ends, or its task is cancelled.
    func run(_ request: LogsRequested, _ work: ClusterWork) async {
        let pace = Mutex(LogPace(now: .now))
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
                limit: request.follow ? Self.longest : .seconds(120)
            ) { [view] line in
                while view.waitingLogCost > Self.mostWaiting {
                    if Task.isCancelled { break }
                    try? await Task.sleep(for: .milliseconds(20))
                }
                let pause = pace.withLock { $0.pause(after: line.count, now: .now) }
                if pause > .zero { try? await Task.sleep(for: pause) }
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
