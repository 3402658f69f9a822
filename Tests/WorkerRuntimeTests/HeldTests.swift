import Testing

@testable import WorkerRuntime

struct HeldTests {
    @Test func `a message that is tried again has nothing of the transaction that failed`() throws {
        let message = KafkaMessageView(topic: "t", key: "k", headers: [], value: nil)
        let held = Held("input", message: message, epoch: 1, inboxKey: nil)
        let first = try #require(held.newEntry())
        first.outcome = .stale
        first.answer = [1]
        first.remembered = .idReused
        first.earlier = Entry("other", message: message)
        let second = try #require(held.newEntry())
        #expect(second.input == "input")
        #expect(second.outcome == .applied)
        #expect(second.answer == nil)
        #expect(second.admission == .first)
    }

    @Test func `a message that was refused has no entry`() {
        let message = KafkaMessageView(topic: "t", key: "k", headers: [], value: nil)
        let held = Held<String>(.deadLetter(.workerCrashed), message: message, epoch: 1)
        #expect(held.newEntry() == nil)
        #expect(held.input == nil)
    }

    @Test func `a span ends at the last message of its partition`() {
        let claims: [Int32: PartitionClaim] = [
            0: PartitionClaim(epoch: 3, nextOffset: 5), 1: PartitionClaim(epoch: 4, nextOffset: 9),
        ]
        let messages = [(0, 5), (0, 6), (1, 9), (0, 7), (1, 12)].map { partition, offset in
            Held(
                "",
                message: KafkaMessageView(
                    topic: "t",
                    partition: Int32(partition),
                    offset: Int64(offset),
                    key: nil,
                    headers: [],
                    value: nil
                ),
                epoch: 3,
                inboxKey: nil
            )
        }
        let spans = Span.of(messages, claims: claims)
        #expect(spans.map(\.partition) == [0, 1])
        #expect(spans.map(\.from) == [5, 9])
        #expect(spans.map(\.to) == [8, 13])
    }
}
