import Testing

@testable import WorkerRuntime

/// Who is asked again when, after it did not answer.
@Suite struct UnansweredTests {
    private let start = ContinuousClock.now

    @Test func `who does not answer is asked again after longer and longer rests, and the others at once`() {
        var silent = Unanswered<Int>(longestRest: .seconds(16))
        #expect(silent.due([3, 1, 2], at: start) == [1, 2, 3])
        var (now, rests) = (start, [Duration]())
        for _ in 1...6 {
            silent.failed(1, at: now)
            #expect(silent.due([1, 2], at: now) == [2])
            #expect(silent.resting(at: now) == [1])
            let rest = ([2, 4, 8, 16] as [Int]).first { silent.due([1], at: now + .seconds($0)) == [1] } ?? 0
            rests.append(.seconds(rest))
            now += .seconds(rest)
        }
        #expect(rests == [2, 4, 8, 16, 16, 16].map { Duration.seconds($0) })
        #expect(silent.resting(at: now).isEmpty)
        #expect(silent.due([1, 2], at: now) == [2, 1], "those that answer come first")
        silent.answered(1)
        #expect(!silent.contains(1))
        silent.failed(1, at: now)
        #expect(silent.due([1], at: now + .seconds(2)) == [1], "an answer ends the series")
    }
}
