/// What is true of every run, whatever befell the fleet.
package enum Invariant: String, Codable, Sendable, Hashable, CaseIterable {
    case end = "I1"
    case onceOnly = "I2"
    case order = "I3"
    case facts = "I4"
    case offsets = "I5"
    case ledger = "I6"
    case convergence = "I7"
    case openness = "I8"

    /// In words.
    package var sentence: String {
        switch self {
        case .end: "every request reached one end"
        case .onceOnly: "nothing was done twice, nothing was said in two ways"
        case .order: "requests are done in their order, revisions rise per subject, and no terminal state is left"
        case .facts: "facts never went backwards"
        case .offsets: "no offset was ahead of what was done"
        case .ledger: "every message that was consumed has one outcome"
        case .convergence: "the database is what the clusters told and are, and all of it was published"
        case .openness: "nothing was dropped in silence, nothing is stuck"
        }
    }

    /// Finds what breaks it.
    func violations(of index: HistoryIndex) -> [Violation] {
        switch self {
        case .end: EndRule.violations(index) + PoisonRule.violations(index) + FiringRule.lost(index)
        case .onceOnly: OnceRule.violations(index) + EffectRule.violations(index) + FiringRule.doubled(index)
        case .order: OrderRule.violations(index) + AnswerRule.violations(index)
        case .facts: FactRule.violations(index)
        case .offsets: OffsetRule.violations(index)
        case .ledger: LedgerRule.violations(index)
        case .convergence:
            ConvergenceRule.violations(index) + ClusterRule.violations(index) + StatusRule.violations(index)
        case .openness: OpennessRule.violations(index) + WordRule.violations(index)
        }
    }
}

/// Something that breaks an invariant.
package struct Violation: Sendable, Hashable, Codable {
    package var invariant: Invariant
    /// What it is about.
    package var subject: String
    package var says: String

    package init(_ invariant: Invariant, _ subject: String, _ says: String) {
        (self.invariant, self.subject, self.says) = (invariant, subject, says)
    }
}

/// What is to be said of a run.
package struct Verdict: Sendable, Codable {
    package var violations: [Violation]
    /// How often each rare situation was seen.
    package var seen: [Situation: Int]

    /// Judges a run; pure.
    package init(_ history: History) {
        let index = HistoryIndex(history)
        violations = Invariant.allCases.flatMap { $0.violations(of: index) }
        seen = Situation.seen(in: index)
    }

    /// The situations that did not happen.
    package var missing: [Situation] { Situation.allCases.filter { seen[$0, default: 0] == 0 } }

    /// 0 where all is well, 1 where an invariant is broken, 2 where the run proves too little.
    package var exitCode: Int32 { violations.isEmpty ? (missing.isEmpty ? 0 : 2) : 1 }
}
