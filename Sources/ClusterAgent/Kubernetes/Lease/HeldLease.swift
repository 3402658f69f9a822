import Synchronization

/// A lease from its acquisition on: renewed by a task of its own until it is given up, which counts also while it is
/// acquired.
final class HeldLease: Sendable {
    private struct State {
        var acquirer: Task<Void, any Error>?
        var keeper: Task<String?, Never>?
        var isGivenUp = false
    }

    private let lease: AgentLease
    private let lost: @Sendable () -> Void
    private let state = Mutex(State())

    /// Holds nothing yet.
    ///
    /// - Parameter lost: Is called when another one holds the lease.
    init(_ lease: AgentLease, lost: @escaping @Sendable () -> Void) {
        self.lease = lease
        self.lost = lost
    }

    /// Waits until the lease is this process's, and renews it from then on.
    ///
    /// - Throws: `CancellationError` where it was given up meanwhile, or what the server refuses.
    func acquire(health: AgentHealth) async throws {
        let acquirer = try state.withLock { state in
            if state.isGivenUp { throw CancellationError() }
            let task = Task { [lease] in try await lease.acquire(health: health) }
            state.acquirer = task
            return task
        }
        do {
            try await acquirer.value
        } catch {
            if state.withLock(\.isGivenUp) { throw CancellationError() }
            throw error
        }
        try state.withLock { state in
            if state.isGivenUp { throw CancellationError() }
            state.keeper = Task { [lease, lost] in
                let holder = await lease.keep()
                if holder != nil { lost() }
                return holder
            }
        }
    }

    /// Ends what acquires or renews the lease, which would take it back, and then gives it back.
    ///
    /// - Returns: Who else holds it, if somebody does.
    func giveUp() async -> String? {
        let (acquirer, keeper) = state.withLock { state in
            state.isGivenUp = true
            return (state.acquirer, state.keeper)
        }
        acquirer?.cancel()
        _ = await acquirer?.result
        keeper?.cancel()
        if let holder = await keeper?.value { return holder }
        // Of its own, since who gives up may have been cancelled.
        await Task { [lease] in await lease.release() }.value
        return nil
    }
}
