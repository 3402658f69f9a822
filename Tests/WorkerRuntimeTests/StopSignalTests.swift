import Testing

@testable import WorkerRuntime

/// What an operator's signals mean.
@Suite struct StopSignalTests {
    @Test(arguments: [false, true])
    func `the first stops cleanly and the second ends at once, whoever asked for the stop before`(isStopping: Bool) {
        let stop = StopSignal()
        if isStopping { stop.request() }
        let signals = StopSignals(stop)
        #expect(signals.take() == .stopCleanly)
        #expect(stop.isRequested)
        #expect(signals.take() == .endNow)
    }

    @Test(arguments: [([], false), ([21], true), ([20], false), ([21, 1], true), ([1, 0], false)] as [([Int], Bool)])
    func `it is overdue when it was first asked for longer ago than it may take`(secondsAgo: [Int], isOverdue: Bool) {
        let (stop, now) = (StopSignal(), ContinuousClock.now)
        let before = secondsAgo.map { stop.request(at: now - .seconds($0)) }
        #expect(before == secondsAgo.indices.map { $0 > 0 })
        #expect(stop.isOverdue(after: .seconds(20), at: now) == isOverdue)
    }
}
