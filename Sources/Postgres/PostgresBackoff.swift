/// How long to wait before the next try to connect: longer each time, and never in step with others.
public struct PostgresBackoff: Sendable {
    private let minimum: Duration
    private let maximum: Duration
    private var current: Duration

    /// Makes a back-off that begins at `minimum` and doubles up to `maximum`.
    public init(minimum: Duration = .milliseconds(50), maximum: Duration = .seconds(5)) {
        self.minimum = minimum
        self.maximum = maximum
        current = minimum
    }

    /// The time to wait now: between half and all of the current step, at random.
    public mutating func next() -> Duration {
        let step = current
        current = min(maximum, current * 2)
        return step * Double.random(in: 0.5...1)
    }

    /// Begins anew after a success.
    public mutating func reset() {
        current = minimum
    }
}
