/// How fast a log is read: a megabyte a second, a second's worth ahead; short lines count for more than their bytes.
///
/// The server holds back what is not read, so that nothing is lost, and a container that writes without end floods neither
/// the agent nor the topic.
struct LogPace {
    static let bytesPerSecond = 1 << 20
    /// What a line takes in the agent and in a message beside its own bytes, also an empty one.
    private static let overhead = 256
    private var began: ContinuousClock.Instant
    private var bytes = 0

    init(now: ContinuousClock.Instant) {
        began = now
    }

    /// What a line of so many bytes counts for.
    static func cost(of count: Int) -> Int { count + overhead }

    /// Counts a line of so many bytes, and says how long to wait before going on.
    mutating func pause(after count: Int, now: ContinuousClock.Instant) -> Duration {
        // What was not used in quiet times does not add up.
        if began + Self.time(for: bytes) < now { (began, bytes) = (now, 0) }
        bytes += Self.cost(of: count)
        return max(.zero, began + Self.time(for: bytes) - now - .seconds(1))
    }

    private static func time(for bytes: Int) -> Duration { .seconds(1) * bytes / bytesPerSecond }
}
