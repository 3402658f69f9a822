/// What a broker has said of its topics, and for how long that is believed; pure.
struct TopicMemory {
    /// What was there once: it is believed to stay.
    private var known: Set<String> = []
    /// Until when what was not there when the broker was asked last is believed not to be.
    private var absenceEnd: ContinuousClock.Instant?
    /// Until when a broker that did not answer in time is not asked again.
    private var restEnd: ContinuousClock.Instant?

    /// Whether a topic exists; `nil` where the broker is to be asked.
    func has(_ name: String, at now: ContinuousClock.Instant) -> Bool? {
        if known.contains(name) || restEnd.map({ now < $0 }) == true { return true }
        return absenceEnd.map { now < $0 } == true ? false : nil
    }

    /// Notes all topics that there are, and until when there are no others.
    mutating func listed(_ names: Set<String>, until end: ContinuousClock.Instant) {
        known.formUnion(names)
        absenceEnd = end
    }

    /// Notes that the broker did not answer, and until when it is not asked again.
    mutating func failed(until end: ContinuousClock.Instant) {
        restEnd = end
    }
}
