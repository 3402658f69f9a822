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
}
