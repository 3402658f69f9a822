import FleetCheck

/// A fault in the simulated fleet that the checker must find.
enum Mutant: String, CaseIterable {
    /// A lane moves its position on before it has done anything.
    case offsetsFirst
    /// The inbox takes everything for new.
    case inboxForgets
    /// A lane commits whoever holds its partitions.
    case fenceUnchecked
    /// A relay deletes rows before the broker has them.
    case relayDeletesFirst
    /// A broker lets a relay publish whose shard has another owner, and nobody publishes again what may be overtaken.
    case relayUnfenced
    /// A report that comes late moves a command that has ended.
    case endIsLeft
    /// A fact counts whatever its number.
    case numbersIgnored
    /// The timekeeper takes everything for read, however far behind the fleet is.
    case ownDelayIgnored
    /// A lane whose fetches hang takes the silence for the end of what there is.
    case silenceBelieved
    /// An agent is believed to have told all that it sees as soon as it speaks.
    case firstWordsBelieved
    /// What fails once is given up.
    case noPatience
    /// Some of what agents tell to be applied is counted and forgotten.
    case wordsForgotten
    /// Nobody looks at the clock.
    case deadlinesForgotten

    /// What it breaks in any case; none where only the world can tell.
    var breaks: Invariant? {
        switch self {
        case .ownDelayIgnored, .silenceBelieved, .firstWordsBelieved: nil
        case .offsetsFirst, .noPatience, .relayDeletesFirst, .deadlinesForgotten: .end
        case .inboxForgets: .onceOnly
        case .fenceUnchecked: .offsets
        case .relayUnfenced, .endIsLeft: .order
        case .numbersIgnored: .facts
        case .wordsForgotten: .openness
        }
    }
}
