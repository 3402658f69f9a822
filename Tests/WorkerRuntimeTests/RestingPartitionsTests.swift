import Testing

@testable import WorkerRuntime

/// Up to when a lane may say that a partition is consumed from which nothing more came.
struct RestingPartitionsTests {
    /// How a claim stands: `epoch next` or `epoch next end`, where the end was reached.
    private static func claim(_ text: String) -> PartitionClaim {
        let numbers = text.split(separator: " ").compactMap { Int64($0) }
        var claim = PartitionClaim(epoch: numbers[0], nextOffset: numbers[1])
        claim.endReached = numbers.count > 2 ? numbers[2] : nil
        return claim
    }

    struct Case: Sendable {
        let before: String
        /// `nil` where the lane has the partition no more.
        let present: String?
        /// `nil` where the leader did not answer.
        let end: Int64?
        var isInHand = false
        let isConsumed: Bool
    }

    @Test(arguments: [
        Case(before: "1 7 7", present: "1 7 7", end: 7, isConsumed: true),
        // The fetch hangs: its leader says nothing, or that more was written than was read.
        Case(before: "1 7 7", present: "1 7 7", end: nil, isConsumed: false),
        Case(before: "1 7 7", present: "1 7 7", end: 8, isConsumed: false),
        // What came since the question is settled by now, or it is not.
        Case(before: "1 7 7", present: "1 8", end: 8, isConsumed: true),
        Case(before: "1 7 7", present: "1 9", end: 8, isConsumed: true),
        Case(before: "1 7 7", present: "1 7", end: 8, isConsumed: false),
        Case(before: "1 7 7", present: "1 7", end: 7, isConsumed: true),
        Case(before: "1 7 7", present: "1 8", end: 8, isInHand: true, isConsumed: false),
        // Marks of producers' transactions lie behind the last message.
        Case(before: "1 7 9", present: "1 7 9", end: 9, isConsumed: true),
        Case(before: "1 7 9", present: "1 7 9", end: 10, isConsumed: false),
        Case(before: "1 7 9", present: "1 7 10", end: 10, isConsumed: true),
        // Another claim, or another topic.
        Case(before: "1 7 7", present: "2 7 7", end: 7, isConsumed: false),
        Case(before: "1 7 7", present: nil, end: 7, isConsumed: false),
        Case(before: "1 7 7", present: "1 7 7", end: 3, isConsumed: false),
    ])
    func `only where its leader says that it ends where all is settled`(found: Case) {
        let resting = RestingPartitions(asked: 1000, claims: [4: Self.claim(found.before)])
        let consumed = resting.consumed(
            upTo: found.end.map { [4: $0] } ?? [:],
            standing: found.present.map { [4: Self.claim($0)] } ?? [:],
            besides: found.isInHand ? [4] : [5]
        )
        #expect(consumed.map(\.partition) == (found.isConsumed ? [4] : []))
        #expect(consumed.allSatisfy { $0.until == 1000 && $0.end == found.end && $0.epoch == 1 })
    }

    @Test func `each partition is looked at by itself, in their order`() {
        let claims: [Int32: PartitionClaim] = [
            3: Self.claim("1 7 7"), 1: Self.claim("2 5 5"), 2: Self.claim("1 4 4"),
        ]
        let resting = RestingPartitions(asked: 1000, claims: claims)
        let consumed = resting.consumed(upTo: [3: 7, 2: 5, 1: 5, 9: 1], standing: claims, besides: [])
        #expect(consumed.map(\.partition) == [1, 3])
        #expect(consumed.map(\.epoch) == [2, 1])
    }
}
