import Testing

@testable import Kafka

/// When librdkafka is told to look whether its queue has room: bounds of 1,000 messages and 100,000 bytes.
struct FetchPacingTests {
    /// How much is in the queue at each look, messages of how many bytes, and at which looks it is told.
    @Test(
        arguments: [
            (10, [0, 0, 0], []), (10, [1000, 700, 400, 300, 0], [2]), (10, [1400, 499, 1100, 499], [1, 3]),
            (10, [700, 100], []), (10, [800, 600, 0], [2]), (1000, [80, 60, 40], [2]), (1000, [70, 10], []),
        ] as [(Int, [Int], [Int])]
    )
    func `it is told once for each time the queue was nearly full, when it is half empty`(
        bytes: Int,
        queued: [Int],
        told: [Int]
    ) {
        var pacing = FetchPacing(messages: 1000, bytes: 100_000)
        let looks = queued.map { queued in
            while !pacing.took(bytes: bytes) {}
            return pacing.wantsLook(queued: queued)
        }
        #expect(looks.indices.filter { looks[$0] } == told)
    }

    @Test func `of few large messages each is looked at`() {
        var pacing = FetchPacing(messages: 3000, bytes: 1_000_000)
        let looks = (0..<8).map { left in
            // 8 of 131,072 bytes fill it.
            pacing.took(bytes: 131_072) && pacing.wantsLook(queued: 7 - left)
        }
        #expect(looks.firstIndex(of: true) == 4)
    }

    @Test func `the queue is looked at now and then, not for each message`() {
        var pacing = FetchPacing(messages: 1000, bytes: 100_000)
        let looks = (0..<640).filter { _ in pacing.took(bytes: 10) && !pacing.wantsLook(queued: 0) }
        #expect(looks.count == 10)
    }
}
