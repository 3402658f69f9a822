import Synchronization

@testable import Identity

/// A clock that stands still until it is told to go on.
final class TestClock: Sendable {
    private let state = Mutex((instant: ContinuousClock.now, looks: 0))

    var now: ContinuousClock.Instant {
        state.withLock { state in
            state.looks += 1
            return state.instant
        }
    }

    /// How often it was looked at.
    var looks: Int { state.withLock { $0.looks } }

    func advance(_ duration: Duration) {
        state.withLock { $0.instant += duration }
    }
}

extension TokenVerifier {
    /// A verifier that looks at its key set by a clock of the test.
    static func watching(_ origin: any KeySetOrigin, _ clock: TestClock) -> TokenVerifier {
        TokenVerifier(KeySetKeeper(origin, logger: .silent) { clock.now }, settings: TokenSettings())
    }
}
