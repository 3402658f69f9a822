import Testing

@testable import ClusterAgent

/// The time of an agent whose machine's clock is set.
struct AgentClockTests {
    private final class Machine {
        var steady = Duration.seconds(100)
        var wall: Int64 = 1_000_000_000
    }

    /// What somebody does to the wall clock while ten seconds pass, in microseconds, and what is told of it, in seconds.
    @Test(
        arguments: [
            (0, nil), (-3_600_000_000, -3600), (3_600_000_000, 3600), (-1, nil), (1_199_999_990, 1200),
            (-1_199_999_990, -1200),
        ] as [(Int64, Int64?)]
    )
    func `time goes on steadily, and messages carry what the machine's clock shows`(step: Int64, told: Int64?) {
        let machine = Machine()
        var clock = AgentClock(steady: { machine.steady }, wall: { machine.wall })
        let before = clock.now()
        #expect(before == 1_000_000_000 && clock.wallTime(of: before) == before)
        machine.steady += .seconds(10)
        machine.wall += 10_000_000 + step
        #expect(clock.now() == before + 10_000_000)
        #expect(clock.wallTime(of: clock.now()) == machine.wall)
        #expect(clock.wallTime(of: before) == before + step)
        #expect(clock.takeStep() == told)
        #expect(clock.takeStep() == nil, "it is told once")
    }
}
