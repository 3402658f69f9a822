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
        #expect(Set(Schedule(seed: seed, minutes: 60).needed.map(\.fault)) == Set(Fault.needed))
    }

    @Test func `only the faults that were chosen are played`() {
        let faults = Schedule(seed: 1, minutes: 2, faults: [.databaseCut, .brokerDown]).entries.map(\.fault)
        #expect(faults.count > 5)
        #expect(Set(faults) == [.databaseCut, .brokerDown])
        #expect(Schedule(seed: 1, minutes: 2, faults: [.databaseCut]).needed.isEmpty)
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
