import Testing

@testable import WorkerRuntime

/// When a shard goes out by itself, and how long it rests.
@Suite struct RelayTroubleTests {
    private let start = ContinuousClock.now

    @Test func `a shard whose rows are not taken is tried again at once, then after longer and longer rests`() throws {
        var shard = RelayShard(epoch: 1)
        #expect(shard.patience == nil)
        var rests: [Duration] = []
        var tries: [Duration] = []
        for _ in 1...8 {
            let rest = shard.hold(at: start)
            rests.append(rest)
            tries.append(try #require(shard.patience))
            #expect(shard.rests(at: start) == (rest > .zero))
            #expect(!shard.rests(at: start + rest))
        }
        #expect(rests == [0, 2, 4, 8, 16, 32, 60, 60].map { Duration.seconds($0) })
        #expect(tries == [1, 1, 1, 1, 2, 4, 7.5, 7.5].map { Duration.seconds($0) })
        #expect(shard.isApart)
        shard.wentOut()
        #expect(!shard.isInTrouble)
        #expect(!shard.rests(at: start))
        #expect(shard.patience == nil)
    }

    @Test func `the next lease of a shard takes over what trouble it was in, and not what was under way`() {
        var shard = RelayShard(epoch: 1)
        shard.search(3)
        _ = shard.hold(at: start)
        _ = shard.hold(at: start)
        let key = OutboxMessage(topic: "t", key: [1], headers: [], value: [], coalesces: true)
        let leaving = shard.leaving(of: [key])
        #expect(leaving == [0])
        #expect(!shard.inFlight.isEmpty)
        let next = RelayShard(epoch: 2, after: shard)
        #expect(next.epoch == 2)
        #expect(next.aloneLeft == 3)
        #expect(next.isApart)
        #expect(next.rests(at: start + .seconds(1)))
        #expect(next.inFlight.isEmpty)
        #expect(!RelayShard(epoch: 2).isInTrouble)
    }
}
