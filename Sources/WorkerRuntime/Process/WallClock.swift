import Foundation

/// The time of day as the process's machine has it: in logs, on messages for the broker, and for requests whose time the
/// broker does not say.
///
/// Whatever is due is due by the database's clock. That workers whose clocks are wrong do their work shows a test with
/// `SLIPWAY_TEST_CLOCK_AHEAD`.
public struct WallClock: Sendable {
    private let microsecondsAhead: Int64

    /// The machine's clock.
    public init() {
        microsecondsAhead = 0
    }

    /// The machine's clock, or in a test one that is `SLIPWAY_TEST_CLOCK_AHEAD` seconds ahead of it, behind where negative.
    ///
    /// - Throws: ``StartError`` where it is set outside a test, that is without `SLIPWAY_TEST_SIGNALS`.
    public init(_ settings: Settings) throws(StartError) {
        let seconds = try settings.number("TEST_CLOCK_AHEAD", default: 0, in: -86_400...86_400)
        guard seconds == 0 || settings.text("TEST_SIGNALS") != nil else {
            throw StartError(
                "SLIPWAY_TEST_CLOCK_AHEAD is for tests only: it makes the worker's clock wrong. It should not be set."
            )
        }
        microsecondsAhead = Int64(seconds) * 1_000_000
    }

    /// Microseconds since 1970.
    public func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) + microsecondsAhead }

    /// How many seconds it was made to be ahead.
    var secondsAhead: Int64 { microsecondsAhead / 1_000_000 }

    /// What a message is stamped with, in milliseconds since 1970; `nil` where librdkafka's own stamp is the same.
    var stampMilliseconds: Int64? { microsecondsAhead == 0 ? nil : now() / 1000 }
}
