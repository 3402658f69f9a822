/// What an agent's report of drift comes to; pure.
///
/// An agent tells it of the newest command that it has done. That need not be the newest that was asked for: a later
/// one may have been taken back, or may have ended before the agent did it.
enum DriftAnswer: Sendable, Hashable {
    /// A later command was done, which ended the drift.
    case passed
    /// It is shown.
    case shown
    /// It is shown, and may be put back.
    case repairable(RepairContent)

    /// Decides.
    ///
    /// - Parameters:
    ///   - state: How the command ended that drift is told of.
    ///   - isObject: Whether it is on an object, whose content is in a row; a command on an instance has its own.
    ///   - later: What became of the commands after it.
    init(toReportOn state: CommandState, isObject: Bool, later: LaterCommands) {
        if later.wereDone {
            self = .passed
        } else if !later.exist {
            self = .repairable(.present)
        } else if later.wereDeletions {
            // Whoever asked for a deletion wants nothing back, though it was not done.
            self = .shown
        } else if !isObject {
            self = .repairable(.present)
        } else {
            // The row keeps what the newest success left, and no other content of the past.
            self = state == .succeeded ? .repairable(.running) : .shown
        }
    }
}

/// What a subject is made again of.
enum RepairContent: Sendable, Hashable {
    /// What the command says, or the row of the object whose newest it is.
    case present
    /// What the newest success left in the object's row, which says besides what a later command wanted in vain.
    case running
}

/// What became of the commands on a subject after the one that drift is told of; all of them have ended.
struct LaterCommands: Sendable, Hashable {
    /// Whether there are any.
    var exist = false
    /// Whether one of them was done.
    var wereDone = false
    /// Whether one of them was a deletion that nobody took back.
    var wereDeletions = false
}
