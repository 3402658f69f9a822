/// Which of several did not answer: they rest before they are asked again, longer and longer, so that they take little of
/// the time of those that do answer; pure.
struct Unanswered<Key: Hashable & Comparable> {
    /// How often in a row each did not answer.
    private var failures: [Key: Int] = [:]
    /// When they are asked again.
    private var restEnd: ContinuousClock.Instant?
    private let longestRest: Duration

    /// Knows of none.
    init(longestRest: Duration) {
        self.longestRest = longestRest
    }

    /// Whom to ask now, those that answer first; nobody who rests.
    func due(_ keys: some Sequence<Key>, at now: ContinuousClock.Instant) -> [Key] {
        let isResting = isResting(at: now)
        return keys.filter { failures[$0] == nil || !isResting }
            .sorted { (failures[$0] ?? 0, $0) < (failures[$1] ?? 0, $1) }
    }

    /// Who is not to be asked now.
    func resting(at now: ContinuousClock.Instant) -> [Key] {
        isResting(at: now) ? failures.keys.sorted() : []
    }

    /// Whether it did not answer when it was last asked.
    func contains(_ key: Key) -> Bool { failures[key] != nil }

    /// Notes that it did not answer.
    mutating func failed(_ key: Key, at now: ContinuousClock.Instant) {
        let count = failures[key, default: 0] + 1
        failures[key] = count
        restEnd = max(restEnd ?? now, now + min(longestRest, .seconds(1 << min(count, 6))))
    }

    /// Notes that it answered, or is asked no more.
    mutating func answered(_ key: Key) {
        failures[key] = nil
    }

    private func isResting(at now: ContinuousClock.Instant) -> Bool {
        restEnd.map { now < $0 } ?? false
    }
}
