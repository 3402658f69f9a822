/// How often a lane tells its group how far it has come, which only lag tools read; pure.
///
/// Seldom: a commit that meets a rebalance on its way, so that it reaches the group in the next generation, has
/// librdkafka 2.0.2 take the whole assignment for lost and join again, which is the next rebalance for all.
struct OffsetPace {
    /// From one commit to the next.
    static let pause = Duration.seconds(15)

    private var next: ContinuousClock.Instant

    /// The first one comes after a pause.
    init(at now: ContinuousClock.Instant) {
        next = now + Self.pause
    }

    /// Whether it is time for one; then the next one comes after another pause.
    mutating func isDue(at now: ContinuousClock.Instant) -> Bool {
        guard now >= next else { return false }
        next = now + Self.pause
        return true
    }
}
