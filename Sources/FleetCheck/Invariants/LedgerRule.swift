/// I6: consumed = applied + repeated + stale + rejected + dead-lettered + parked, and parked = waiting + released.
enum LedgerRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        let database = index.history.database
        var found: [Violation] = []
        for claim in database.claims {
            let outcomes = claim.outcomes.sum + claim.parked
            if claim.consumed != outcomes {
                found.append(
                    Violation(.ledger, claim.name.description, "consumed \(claim.consumed), outcomes \(outcomes)")
                )
            }
            let waiting = database.parkedMessages[claim.name] ?? 0
            if claim.parked != waiting + claim.released.sum {
                found.append(
                    Violation(
                        .ledger,
                        claim.name.description,
                        "parked \(claim.parked), waiting \(waiting), released \(claim.released.sum)"
                    )
                )
            }
        }
        return found + letters(index)
    }

    /// As many different messages lie among the dead letters as the ledger says.
    private static func letters(_ index: HistoryIndex) -> [Violation] {
        var counted: [String: Int64] = [:]
        for claim in index.history.database.claims {
            counted[claim.name.topic, default: 0] += claim.outcomes.deadLettered + claim.released.deadLettered
        }
        var lying: [String: Int64] = [:]
        for place in index.letters.keys { lying[place.topic, default: 0] += 1 }
        return Set(counted.keys).union(lying.keys).sorted().compactMap { topic in
            let (ledger, topics) = (counted[topic] ?? 0, lying[topic] ?? 0)
            return ledger == topics
                ? nil
                : Violation(.ledger, topic, "the ledger counts \(ledger) dead letters, \(topics) lie on the topic")
        }
    }
}
