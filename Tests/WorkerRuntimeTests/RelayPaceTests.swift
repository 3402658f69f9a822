import Testing

@testable import WorkerRuntime

struct RelayPaceTests {
    @Test(arguments: [(0, 1, 0), (299, 1, 0), (300, 1, 24), (5000, 20, 5), (5000, 25, 0), (5000, 900, 0)])
    func `only a round of many messages is followed by a rest, and not by a long one`(
        messages: Int,
        took: Int,
        rest: Int
    ) {
        #expect(RelayPace.rest(after: messages, took: .milliseconds(took)) == .milliseconds(rest))
    }
}
