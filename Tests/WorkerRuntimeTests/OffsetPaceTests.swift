import Testing

@testable import WorkerRuntime

struct OffsetPaceTests {
    @Test func `the group is told of offsets a few times a minute, however often a lane looks`() {
        let began = ContinuousClock.now
        var pace = OffsetPace(at: began)
        let told = (0...60).filter { pace.isDue(at: began + .seconds($0)) }
        #expect(told == [15, 30, 45, 60])
    }
}
