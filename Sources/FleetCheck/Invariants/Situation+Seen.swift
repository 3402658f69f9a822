extension Situation {
    /// How often each situation was seen.
    static func seen(in index: HistoryIndex) -> [Situation: Int] {
        var seen: [Situation: Int] = [:]
        for sighting in index.history.sightings { seen[sighting.situation, default: 0] += sighting.count }
        for claim in index.history.database.claims {
            // Repetitions of what agents say are told by their numbers, and of releases by their versions, too.
            if claim.name.topic == Topic.requests {
                seen[.inboxDuplicate, default: 0] += Int(claim.outcomes.repeated + claim.released.repeated)
            }
            seen[.parkedAndReleased, default: 0] += Int(claim.released.handled)
        }
        seen[.deadLetter, default: 0] += index.letters.count
        seen[.outboxResend, default: 0] += resent(index)
        seen[.resyncRepair, default: 0] += index.told.repaired
        return seen
    }

    /// Published again, not asked for again.
    ///
    /// A repeated request has its answer repeated, and an agent that says hello its open commands: only states count.
    private static func resent(_ index: HistoryIndex) -> Int {
        var known: Set<String> = []
        var count = 0
        for message in index.history.messages where Topic.statuses.contains(message.topic) {
            if !known.insert("\(message.topic) \(message.id ?? "")").inserted { count += 1 }
        }
        return count
    }
}
