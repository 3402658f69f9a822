import Synchronization

@testable import Identity

/// A clock that stands still until it is told to go on.
final class TestClock: Sendable {
    private let state: Mutex<(instant: ContinuousClock.Instant, looks: Int)>
    private let began: ContinuousClock.Instant

    init() {
        began = .now
        state = Mutex((instant: began, looks: 0))
    }

    var now: ContinuousClock.Instant {
        state.withLock { state in
            state.looks += 1
            return state.instant
        }
    }

    /// The time of day of a world that begins at ``VerifierWorld/second``.
    var microseconds: Int64 {
        VerifierWorld.second * 1_000_000 + (state.withLock { $0.instant } - began).microseconds
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
        TokenVerifier(KeySetKeeper(origin, logger: .silent, now: { clock.now }), settings: TokenSettings())
    }

    /// The same, where the clock tells the time of day, too.
    static func inTime(_ origin: any KeySetOrigin, _ clock: TestClock) -> TokenVerifier {
        let keeper = KeySetKeeper(
            origin,
            logger: .silent,
            now: { clock.now },
            microseconds: { clock.microseconds }
        )
        return TokenVerifier(keeper, settings: TokenSettings())
    }
}
