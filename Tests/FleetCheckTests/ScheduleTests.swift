import Testing

@testable import slipway_chaos

/// A seed plays a run again: its faults and its load follow from it alone.
@Suite struct ScheduleTests {
    @Test func `a seed gives the same faults at the same times, another seed others`() {
        let first = Schedule(seed: 7, minutes: 5)
        #expect(first == Schedule(seed: 7, minutes: 5))
        #expect(first != Schedule(seed: 8, minutes: 5))
        #expect(first.entries.allSatisfy { $0.at + $0.fault.slot <= 300 })
    }

    @Test(arguments: [1, 2, 3]) func `what a run must show comes first, then each fault before any comes again`(
        seed: UInt64
    ) {
        let faults = Schedule(seed: seed, minutes: 60).entries.map(\.fault)
        #expect(Set(faults.prefix(Fault.needed.count)) == Set(Fault.needed))
        #expect(Set(faults.prefix(Fault.allCases.count)) == Set(Fault.allCases))
        #expect(Schedule(seed: seed, minutes: 60).firsts.map(\.fault) == Array(faults.prefix(Fault.allCases.count)))
    }

    @Test func `five minutes hold a third of the faults, and three seeds that follow each other hold all`() {
        let played = (0...300).map { Set(Schedule(seed: $0, minutes: 5).entries.map(\.fault)) }
        for (seed, faults) in played.enumerated() {
            #expect(faults.isSuperset(of: Fault.needed + Fault.shares[seed % 3]), "seed \(seed)")
        }
        for seed in 0...298 {
            #expect(played[seed].union(played[seed + 1]).union(played[seed + 2]) == Set(Fault.allCases), "from \(seed)")
        }
        #expect(Set(Schedule(seed: .max, minutes: 5).entries.map(\.fault)).isSuperset(of: Fault.shares[0]))
    }

    @Test func `the shares hold every fault once, beside those that every run plays`() {
        #expect((Fault.needed + Fault.shares.joined()).count == Fault.allCases.count)
        #expect(Set(Fault.needed + Fault.shares.joined()) == Set(Fault.allCases))
    }

    @Test func `a run that did not play what it was to play does not count`() {
        // What was judged, what was not played, and how a whole run and one of chosen faults end.
        let ends: [(judged: Int32, missing: [Fault], whole: Int32, chosen: Int32)] = [
            (0, [], 0, 0), (1, [], 1, 1), (2, [], 2, 0), (3, [], 3, 3),
            (0, [.wrongClock], 2, 2), (1, [.wrongClock], 1, 1), (2, [.wrongClock], 2, 2), (3, [.wrongClock], 3, 3),
        ]
        for end in ends {
            #expect(ChaosRun.code(judged: end.judged, missing: end.missing, isWhole: true) == end.whole, "\(end)")
            #expect(ChaosRun.code(judged: end.judged, missing: end.missing, isWhole: false) == end.chosen, "\(end)")
        }
    }

    @Test func `only the faults that were chosen are played`() {
        let faults = Schedule(seed: 1, minutes: 2, faults: [.databaseCut, .brokerDown]).entries.map(\.fault)
        #expect(faults.count > 5)
        #expect(Set(faults) == [.databaseCut, .brokerDown])
        #expect(Schedule(seed: 1, minutes: 2, faults: [.databaseCut]).firsts.map(\.fault) == [.databaseCut])
    }

    @Test func `a seed gives the same load, whatever becomes of it`() {
        var (first, second, other) = (Load(seed: 7), Load(seed: 7), Load(seed: 8))
        let messages = (0..<500).map { _ in first.next() }
        #expect(messages == (0..<500).map { _ in second.next() })
        #expect(messages != (0..<500).map { _ in other.next() })
        let types = Set(messages.map(\.type))
        for verb in ["deploy", "upgrade", "scale", "rollback", "restart", "stop", "start", "delete"] {
            #expect(types.contains("slipway.instance.\(verb).v1"))
        }
        #expect(messages.contains { $0.poison != nil })
    }
}
