import WorkerRuntime

/// What is known of the agent whose command is due.
struct AgentView: Sendable, Hashable {
    /// What is known beside the command.
    var evidence: MissingEvidence
    /// Up to when the words that decide were read, the agent's and those of the command's objects: microseconds since 1970.
    var consumedUntil: Int64?
    /// Up to when was read what is told of the command's objects: microseconds since 1970.
    var shownUntil: Int64?
    /// Whether the agent has told all that it sees.
    var account: AgentAccount

    init(
        _ evidence: MissingEvidence,
        consumedUntil: Int64?,
        shownUntil: Int64? = nil,
        account: AgentAccount = AgentAccount()
    ) {
        self.evidence = evidence
        self.consumedUntil = consumedUntil
        self.shownUntil = shownUntil
        self.account = account
    }

    /// Whether what began then was seen to last for so long: it was told by an agent that has spoken since, and read.
    ///
    /// Objects are told of elsewhere than what the agent says of itself, of which no more need be read than that it has
    /// spoken and told all: the timekeeper looks for what is due by the same times. What need not last was seen when it
    /// began.
    func hasLasted(_ since: Int64, seconds: Int, now: Int64) -> Bool {
        let end = since + Int64(seconds) * 1_000_000
        guard now >= end else { return false }
        return seconds == 0 || account.shows(end, read: shownUntil)
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
            if let since = command.windows.healthySince,
                view.hasLasted(since, seconds: command.timers.settle, now: now)
            {
                return (.settle, command.successWarning)
            }
            if let since = command.windows.failingSince,
                view.hasLasted(since, seconds: command.timers.failure, now: now)
            {
                return (.fail, command.windows.failing)
            }
        }
        let deadline = command.presentDeadline
        guard now >= deadline else { return nil }
        let isRead = (view.consumedUntil ?? 0) >= deadline
        var evidence = view.evidence
        // What was healthy for its time waits for the next word of an agent that lives, and what was not for the snapshots
        // of one that has come back: what it looks like now may not have been told.
        let isTold = command.state != .applied || view.account.isRead(view.shownUntil)
        let isAwaited = evidence.agent == .connected && (!isTold || command.wasHealthy(by: deadline))
        // An agent that never spoke has nothing that could be waiting.
        if evidence.agent == .neverSeen || isRead && !isAwaited { return (.timeOut, command.missingStep(evidence)) }
        guard now >= deadline + patience else { return nil }
        evidence.isBehind = !isRead
        evidence.isUntold = !isTold
        return (.timeOut, command.missingStep(evidence))
    }
}

extension Command {
    /// Whether it had been healthy for the settling time by then.
    fileprivate func wasHealthy(by time: Int64) -> Bool {
        guard state == .applied, let since = windows.healthySince else { return false }
        return since + Int64(timers.settle) * 1_000_000 <= time
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
