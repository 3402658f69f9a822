/// When a lane wakes the relay: at most every millisecond, and never not at all.
///
/// A commit that follows another one too soon is remembered; without that its rows would lie until the relay looks by
/// itself, fifty times as long.
struct RelayWake {
    private static let pause = Duration.milliseconds(1)

    private var isOwed = false
    private var next: ContinuousClock.Instant?

    /// Notes that rows were committed.
    mutating func owe() {
        isOwed = true
    }

    /// Whether the relay is to be woken now; then nothing is owed any more.
    mutating func take(at now: ContinuousClock.Instant) -> Bool {
        guard isOwed, next.map({ now >= $0 }) ?? true else { return false }
        isOwed = false
        next = now + Self.pause
        return true
    }

    /// How long until the relay may be woken; `nil` where nothing is owed.
    func wait(at now: ContinuousClock.Instant) -> Duration? {
        isOwed ? max(.zero, (next ?? now) - now) : nil
    }
}
