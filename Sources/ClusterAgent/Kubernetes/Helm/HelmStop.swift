import Synchronization

/// Ends what helm is doing, from another thread: the run under way is killed, and none is begun after it.
final class HelmStop: Sendable {
    private struct State {
        var isStopped = false
        var end: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Whether helm is to do nothing any more.
    var isStopped: Bool { state.withLock(\.isStopped) }

    /// Ends the run under way, if there is one.
    func stop() {
        let end = state.withLock { state in
            state.isStopped = true
            return state.end
        }
        end?()
    }

    /// Notes how a run is ended as long as the body lasts; one that was stopped before is ended at once.
    func watch<R>(end: @escaping @Sendable () -> Void, _ body: () throws -> R) rethrows -> R {
        let isStopped = state.withLock { state in
            state.end = end
            return state.isStopped
        }
        defer { state.withLock { $0.end = nil } }
        if isStopped { end() }
        return try body()
    }
}
