import WorkerRuntime

/// What is known of the agent whose command is due.
struct AgentView: Sendable, Hashable {
    /// What is known beside the command.
    var evidence: MissingEvidence
    /// Up to when the agent's messages were read: microseconds since 1970.
    var consumedUntil: Int64?

    init(_ evidence: MissingEvidence, consumedUntil: Int64?) {
        self.evidence = evidence
        self.consumedUntil = consumedUntil
    }
}

/// What time does to a command; pure.
enum DueCommand {
    /// Our own delay may hold a result back for this long before a deadline counts all the same.
    static let patience: Int64 = 600_000_000

    /// The event that is due, or `nil` when nothing is.
    static func decide(_ command: Command, view: AgentView, now: Int64) -> (CommandEvent, Reason?)? {
        guard !command.state.isTerminal else { return nil }
        if command.state == .applied {
            if let since = command.windows.healthySince, now - since >= Int64(command.timers.settle) * 1_000_000 {
                return (.settle, command.successWarning)
            }
            if let since = command.windows.failingSince, now - since >= Int64(command.timers.failure) * 1_000_000 {
                return (.fail, command.windows.failing)
            }
        }
        let deadline = min(command.deadline, command.stepDeadline ?? command.deadline)
        guard now >= deadline else { return nil }
        let isRead = (view.consumedUntil ?? 0) >= deadline
        var evidence = view.evidence
        // An agent that never spoke has nothing that could be waiting.
        if isRead || evidence.agent == .neverSeen { return (.timeOut, command.missingStep(evidence)) }
        guard now >= deadline + patience else { return nil }
        evidence.isBehind = true
        return (.timeOut, command.missingStep(evidence))
    }
}

extension Command {
    /// What is to be known of a success.
    var successWarning: Reason? {
        guard goal == .healthy, let objects, Array(objects.filter { $0 > 32 }) == Array("[]".utf8) else { return nil }
        return Reason(
            code: "no_objects",
            sentence: "The release has no objects: nothing runs, and there was nothing to watch."
        )
    }
}
