import Testing

@testable import WorkerRuntime

/// A lane wakes the relay not too often, and never not at all.
@Suite struct RelayWakeTests {
    private let start = ContinuousClock.now

    @Test func `the first commit wakes at once, one soon after it is remembered`() {
        var wake = RelayWake()
        var woken = [wake.take(at: start)]
        #expect(wake.wait(at: start) == nil, "nothing is owed yet")
        wake.owe()
        woken.append(wake.take(at: start))
        #expect(wake.wait(at: start) == nil)
        wake.owe()
        woken.append(wake.take(at: start + .microseconds(400)))
        #expect(wake.wait(at: start + .microseconds(400)) == .microseconds(600))
        woken.append(wake.take(at: start + .milliseconds(1)))
        woken.append(wake.take(at: start + .seconds(1)))
        #expect(woken == [false, true, false, true, false])
    }
}
