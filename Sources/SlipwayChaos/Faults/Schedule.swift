/// When which fault is played: the same seed gives the same schedule.
struct Schedule: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// Seconds since the faults began.
        let at: Double
        let fault: Fault
        /// What the fault's own choices vary by.
        let seed: UInt64
    }

    let entries: [Entry]

    /// Where each fault comes first: what must have been played for the run to count.
    var firsts: [Entry] {
        var seen: Set<Fault> = []
        return entries.filter { seen.insert($0.fault).inserted }
    }

    /// Every fault comes once before any comes twice, in a random order: the needed ones first, then the share of the seed,
    /// then the others.
    init(seed: UInt64, minutes: Double, faults: [Fault] = Fault.allCases) {
        var random = SeededRandom(seed: seed ^ 0xFA17)
        var entries: [Entry] = []
        var at = 0.0
        var bag: [Fault] = []
        var parts = [Fault.needed, Fault.shares[Int(seed % UInt64(Fault.shares.count))]].map {
            $0.filter(faults.contains)
        }
        parts.append(faults.filter { !parts.joined().contains($0) })
        while !faults.isEmpty {
            if bag.isEmpty {
                bag = parts.flatMap { $0.shuffled(using: &random) }
                parts = [faults]
            }
            let fault = bag.removeFirst()
            let pause = Double(random.number(0...1000)) / 1000
            guard at + pause + fault.slot <= minutes * 60 else { break }
            entries.append(Entry(at: at + pause, fault: fault, seed: random.next()))
            at += pause + fault.slot
        }
        self.entries = entries
    }
}
