import Synchronization

/// Tells the lanes of a process to stop, once.
public final class StopSignal: Sendable {
    private let requested = Atomic(false)
    /// When the stop was asked for first.
    private let moment = Mutex<ContinuousClock.Instant?>(nil)

    /// Makes a signal that nobody has given.
    public init() {}

    /// Whether the lanes should finish what they have and end.
    public var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Asks all lanes to stop; returns whether that was asked for before.
    @discardableResult
    public func request() -> Bool { request(at: .now) }

    /// The same at a moment that is given.
    func request(at now: ContinuousClock.Instant) -> Bool {
        moment.withLock { $0 = $0 ?? now }
        return requested.exchange(true, ordering: .relaxed)
    }

    /// Whether the stop was asked for longer ago than it may take.
    func isOverdue(after limit: Duration, at now: ContinuousClock.Instant = .now) -> Bool {
        moment.withLock { $0.map { now - $0 > limit } ?? false }
    }
}

/// The signals of an operator: the first one stops cleanly, also where a lane that ended has asked for the stop before.
final class StopSignals: Sendable {
    /// What a signal means.
    enum Meaning {
        case stopCleanly
        case endNow
    }

    private let stop: StopSignal
    private let first = StopSignal()

    init(_ stop: StopSignal) {
        self.stop = stop
    }

    /// Takes a signal.
    func take() -> Meaning {
        guard !first.request() else { return .endNow }
        stop.request()
        return .stopCleanly
    }
}

/// Lets tests hold a process at a named point of a message's life, to kill it just there.
///
/// Does nothing unless `SLIPWAY_TEST_SIGNALS` names a folder. There, reaching a point leaves the file
/// `reached.<point>.<pid>`, and while a file `hold.<point>` exists, the thread waits at the point.
public enum TestSignal: String, Sendable {
    /// A batch was polled and nothing was written.
    case afterPoll
    /// The fence holds and the handler has written, nothing is committed.
    case inTransaction
    /// The transaction is committed, the offset is not stored.
    case afterCommit
    /// The broker has acknowledged, the outbox rows are not deleted.
    case afterPublish
}
