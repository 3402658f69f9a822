import Synchronization

/// Says when a lane's loop last went round, so that a lane that stands still is noticed.
public final class LanePulse: Sendable {
    private let last = Mutex(ContinuousClock.now)

    /// Makes a pulse that has just beaten.
    public init() {}

    /// Notes that the loop goes round.
    public func beat() {
        last.withLock { $0 = .now }
    }

    /// How long ago the loop last went round.
    public var age: Duration {
        last.withLock { ContinuousClock.now - $0 }
    }
}
