import Foundation

/// The time that an agent goes by: it begins with the wall clock and goes on steadily, so that a wall clock which is set
/// back or forward neither silences the agent nor hurries it.
///
/// Deadlines are the fleet's business; here time only paces heartbeats, snapshots and retries, and stands in messages.
struct AgentClock {
    private let began: Duration
    private let wallAtBeginning: Int64
    private let steady: () -> Duration
    private let wall: () -> Int64
    /// How far the wall clock was ahead of this one when it was last looked at.
    private var lead: Int64 = 0

    /// Makes a clock.
    ///
    /// - Parameters:
    ///   - steady: A time that never goes back, from any origin.
    ///   - wall: Microseconds since 1970, as the machine has them.
    init(
        steady: @escaping () -> Duration = Self.elapsed,
        wall: @escaping () -> Int64 = Self.wallTime
    ) {
        (self.steady, self.wall) = (steady, wall)
        (began, wallAtBeginning) = (steady(), wall())
    }

    /// Makes the clock of a machine whose wall clock is wrong.
    ///
    /// - Parameters:
    ///   - ahead: Seconds; behind where negative.
    ///   - until: After how many seconds somebody sets it right.
    init(ahead: Int, until: Int) {
        let start = Self.elapsed()
        self.init(wall: {
            let isWrong = Self.elapsed() - start < .seconds(until)
            return Self.wallTime() + (isWrong ? Int64(ahead) * 1_000_000 : 0)
        })
    }

    /// Microseconds since 1970 as they would be had nobody set the wall clock since the start; never goes back.
    func now() -> Int64 { wallAtBeginning + (steady() - began).microseconds }

    /// What the wall clock shows for a moment of this clock: what messages carry, because others compare it with theirs.
    func wallTime(of moment: Int64) -> Int64 { moment + wall() - now() }

    /// By how many seconds somebody has set the wall clock since this was last asked; `nil` where nobody has.
    ///
    /// Less than two are the work of a service that keeps it right.
    mutating func takeStep() -> Int64? {
        let step = wallTime(of: 0) - lead
        lead += step
        return abs(step) < 2_000_000 ? nil : Int64((Double(step) / 1_000_000).rounded())
    }

    private static func wallTime() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

    private static let origin = ContinuousClock.now

    private static func elapsed() -> Duration { ContinuousClock.now - origin }
}

extension Duration {
    fileprivate var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
