import Synchronization

@testable import Identity

/// A clock that stands still until it is told to go on.
final class TestClock: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { instant.withLock { $0 } }

    func advance(_ duration: Duration) {
        instant.withLock { $0 += duration }
    }
}

extension TokenVerifier {
    /// A verifier that looks at its key set by a clock of the test.
    static func watching(_ origin: any KeySetOrigin, _ clock: TestClock) -> TokenVerifier {
        TokenVerifier(KeySetKeeper(origin, logger: .silent) { clock.now }, settings: TokenSettings())
    }
}
