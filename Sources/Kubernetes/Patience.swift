import Synchronization

/// How long an answer is waited for: as a whole, and between two pieces of it.
///
/// A connection can die without a word. The HTTP client's own deadline covers an answer's head only.
final class Patience: Sendable {
    private let end: ContinuousClock.Instant
    private let silence: Duration?
    /// Since when something is waited for; `nil` while a piece is being taken.
    private let waitingSince: Mutex<ContinuousClock.Instant?>

    /// - Parameters:
    ///   - limit: How long the whole may take.
    ///   - silence: How long nothing may come; as long as the whole otherwise.
    ///   - beginning: When the first piece is waited for.
    init(_ limit: Duration, silence: Duration? = nil, since beginning: ContinuousClock.Instant = .now) {
        end = beginning + limit
        self.silence = silence
        waitingSince = Mutex(beginning)
    }

    /// Notes that a piece has come.
    func take() { waitingSince.withLock { $0 = nil } }

    /// Notes that the next one is waited for.
    func wait(since now: ContinuousClock.Instant = .now) { waitingSince.withLock { $0 = now } }

    /// When to look again whether patience has ended, as seen at a moment.
    ///
    /// - Throws: Why it is given up, once it has ended.
    func next(at now: ContinuousClock.Instant) throws(KubernetesError) -> ContinuousClock.Instant {
        guard now < end else { throw .unreachable("The Kubernetes API did not answer in time.") }
        guard let silence else { return end }
        // While a piece is being taken, nobody waits for the server.
        let until = (waitingSince.withLock { $0 } ?? now) + silence
        guard now < until else { throw .unreachable("The Kubernetes API has fallen silent.") }
        return min(end, until)
    }

    /// Does something, and gives it up when patience ends.
    func hold<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws(KubernetesError) -> R {
        do {
            return try await withThrowingTaskGroup(of: R.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await body() }
                group.addTask { try await self.lose() }
                guard let first = try await group.next() else { throw CancellationError() }
                return first
            }
        } catch let error as KubernetesError {
            throw error
        } catch is CancellationError {
            throw .unreachable("The request was given up.")
        } catch {
            throw .unreachable("The Kubernetes API cannot be reached: \(error)")
        }
    }

    /// Sleeps until patience ends, and then says so.
    private func lose<R>() async throws -> R {
        while true { try await Task.sleep(until: next(at: .now)) }
    }
}
