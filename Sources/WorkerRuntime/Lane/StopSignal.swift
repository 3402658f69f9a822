import Synchronization

/// Tells the lanes of a process to stop, once.
public final class StopSignal: Sendable {
    private let requested = Atomic(false)

    /// Makes a signal that nobody has given.
    public init() {}

    /// Whether the lanes should finish what they have and end.
    public var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Asks all lanes to stop.
    public func request() {
        requested.store(true, ordering: .relaxed)
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
