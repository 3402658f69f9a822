import Domain

/// Which drift is told when: a value under its caller's clock.
///
/// What is seen has to stay for a while, because a watch may be behind what was just applied. What stays is told again
/// once in a while, so that the fleet, which repairs it, hears of what its repair did not end.
struct DriftTeller {
    /// How long the same has to be seen before it is told: microseconds.
    static let settling: Int64 = 5_000_000
    /// When what is still so is told again.
    static let period: Int64 = 120_000_000

    private struct Seen {
        var mark: CommandMark
        var objects: [DriftedObject]
        var since: Int64
        var told: [DriftedObject] = []
        var toldAt: Int64 = 0
    }

    private var subjects: [String: Seen] = [:]

    /// Takes how a subject looks now; returns what is to be told, which may be that nothing differs any more.
    mutating func look(_ subject: String, mark: CommandMark, _ objects: [DriftedObject], now: Int64) -> [DriftedObject]?
    {
        guard var seen = subjects[subject], seen.mark == mark else {
            subjects[subject] = Seen(mark: mark, objects: objects, since: now)
            return nil
        }
        if seen.objects != objects { (seen.objects, seen.since) = (objects, now) }
        let isSettled = now - seen.since >= Self.settling
        let isNews = objects != seen.told || (!objects.isEmpty && now - seen.toldAt >= Self.period)
        if isSettled, isNews { (seen.told, seen.toldAt) = (objects, now) }
        subjects[subject] = seen
        return isSettled && isNews ? objects : nil
    }

    /// Forgets subjects that are not there any more.
    mutating func keep(_ names: Set<String>) {
        subjects = subjects.filter { names.contains($0.key) }
    }
}
