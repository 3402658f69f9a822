import Testing

@testable import Kubernetes

/// When an answer is given up, by moments that the test names.
struct PatienceTests {
    private static let start = ContinuousClock.now

    private func said(_ patience: Patience, after seconds: Int) -> String {
        do {
            let next = try patience.next(at: Self.start + .seconds(seconds))
            return "at \((next - Self.start).components.seconds)"
        } catch {
            return error.description
        }
    }

    @Test func `a whole answer has its time`() {
        let patience = Patience(.seconds(30), since: Self.start)
        #expect(said(patience, after: 0) == "at 30")
        #expect(said(patience, after: 29) == "at 30")
        #expect(said(patience, after: 30) == "The Kubernetes API did not answer in time.")
    }

    @Test func `silence ends it sooner, and a piece begins it anew`() {
        let patience = Patience(.seconds(30), silence: .seconds(5), since: Self.start)
        #expect(said(patience, after: 4) == "at 5")
        #expect(said(patience, after: 5) == "The Kubernetes API has fallen silent.")
        patience.wait(since: Self.start + .seconds(4))
        #expect(said(patience, after: 5) == "at 9")
        #expect(said(patience, after: 9) == "The Kubernetes API has fallen silent.")
        patience.wait(since: Self.start + .seconds(28))
        #expect(said(patience, after: 29) == "at 30", "the whole has an end as well")
        #expect(said(patience, after: 31) == "The Kubernetes API did not answer in time.")
    }

    @Test func `while a piece is being taken nobody waits for the server`() {
        let patience = Patience(.seconds(30), silence: .seconds(5), since: Self.start)
        patience.take()
        #expect(said(patience, after: 20) == "at 25", "looks again, as nobody tells it when the taking ends")
        patience.wait(since: Self.start + .seconds(20))
        #expect(said(patience, after: 25) == "The Kubernetes API has fallen silent.")
        patience.take()
        #expect(said(patience, after: 30) == "The Kubernetes API did not answer in time.")
    }
}
