import Testing

@testable import slipway_chaos

/// When the fleet counts as working as before: by each kind of probe on its own, in every cluster.
@Suite struct ProbeTests {
    private let begin = ContinuousClock.now

    private func moment(_ seconds: Double) -> ContinuousClock.Instant { begin + .seconds(seconds) }

    /// Whether probes are answered a number of seconds after the beginning, since which a fault is over.
    private func isAnswering(_ book: ProbeBook, _ probe: Probe, at seconds: Double) -> Bool {
        book.isAnswering(probe, since: begin, at: moment(seconds))
    }

    @Test func `a request is answered by any end, and none may wait for long`() {
        var book = ProbeBook()
        book.begin("q1", .request, at: moment(1))
        #expect(!isAnswering(book, .request, at: 1))
        book.begin("q2", .request, at: moment(1.2))
        book.end("q2", command: nil, hasSucceeded: false, at: moment(1.4))
        #expect(isAnswering(book, .request, at: 2))
        #expect(!isAnswering(book, .request, at: 2.6))
        book.end("q1", command: nil, hasSucceeded: true, at: moment(2.7))
        #expect(isAnswering(book, .request, at: 2.8))
        #expect(!book.isAnswering(.request, since: moment(2.75), at: moment(2.8)))
        #expect(book.takeTimes()[.request]?.count == 2)
        #expect(book.takeTimes().isEmpty)
    }

    @Test func `deployments must succeed in each cluster, one after the other there`() {
        var book = ProbeBook()
        for place in 0..<Probe.deployment.places {
            #expect(book.isDue(.deployment, place: place, at: moment(1)))
            book.begin("d\(place)", .deployment, place: place, at: moment(1))
            #expect(!book.isDue(.deployment, place: place, at: moment(2)))
        }
        for place in 1..<Probe.deployment.places {
            book.end("d\(place)", command: "c\(place)", hasSucceeded: true, at: moment(3))
        }
        #expect(!isAnswering(book, .deployment, at: 3))
        book.end("d0", command: "c0", hasSucceeded: false, at: moment(3))
        #expect(!isAnswering(book, .deployment, at: 3))
        #expect(!book.isDue(.deployment, place: 0, at: moment(3.2)))
        #expect(book.isDue(.deployment, place: 0, at: moment(3.4)))
        book.begin("d9", .deployment, place: 0, at: moment(4))
        book.end("d9", command: "c9", hasSucceeded: true, at: moment(6))
        #expect(isAnswering(book, .deployment, at: 6))
        #expect(!isAnswering(book, .release, at: 6))
    }

    @Test func `one that takes too long is given up for the next one at its place`() {
        var book = ProbeBook()
        for place in 0..<Probe.deployment.places { book.begin("d\(place)", .deployment, place: place, at: begin) }
        #expect(book.isDue(.deployment, place: 0, at: moment(8)))
        book.begin("d9", .deployment, place: 0, at: moment(8))
        book.end("d0", command: nil, hasSucceeded: true, at: moment(9))
        #expect(!book.isDue(.deployment, place: 0, at: moment(10)))
        for name in ["d1", "d2", "d9"] { book.end(name, command: nil, hasSucceeded: true, at: moment(11)) }
        #expect(isAnswering(book, .deployment, at: 11))
    }

    @Test func `a release is answered by the end of the command that a rule made of it`() {
        var book = ProbeBook()
        book.begin("v1", .release, at: moment(1))
        book.note(command: "other", of: "v0")
        book.note(command: "made", of: "v1")
        book.end("by the rule", command: "other", hasSucceeded: true, at: moment(2))
        #expect(!isAnswering(book, .release, at: 2))
        book.end("by the rule", command: "made", hasSucceeded: true, at: moment(3))
        #expect(isAnswering(book, .release, at: 3))
        #expect(book.takeTimes()[.release]?.count == 1)
    }

    @Test func `what the broker may not have is not waited for`() {
        var book = ProbeBook()
        book.begin("d0", .deployment, place: 0, at: begin)
        book.forget("d0")
        #expect(book.isDue(.deployment, place: 0, at: moment(1)))
    }

    @Test(arguments: Probe.allCases) func `each probe has an id of its own`(probe: Probe) {
        let messages = (1...50).map { Load.probe(probe, place: 0, number: $0, seed: 7) }
        #expect(Set(messages.map(\.id)).count == 50)
        #expect(messages.allSatisfy { $0.topic == (probe == .release ? "release.events" : "deployment.requests") })
    }
}
