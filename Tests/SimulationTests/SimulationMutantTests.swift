import FleetCheck
import Testing

/// A fleet with a fault in it is found out: a simulation that cannot fail proves nothing.
struct SimulationMutantTests {
    @Test(arguments: Mutant.allCases)
    func `the simulation finds a fleet that is wrong`(mutant: Mutant) {
        let isFound = (1...80 as ClosedRange<UInt64>).contains { seed in
            let world = World(seed: seed, mutant: mutant)
            world.run()
            guard let broken = mutant.breaks else { return !world.complaints.isEmpty }
            return Verdict(History(world)).violations.contains { $0.invariant == broken }
        }
        #expect(isFound)
    }
}
