/// Where a command stands.
public enum CommandState: String, Sendable, Hashable, CaseIterable {
    /// Decided and written down.
    case accepted
    /// On its way to the agent.
    case sent
    /// The agent has it.
    case acknowledged
    /// The agent did it; health is being observed.
    case applied
    /// Done, and healthy for the settling time.
    case succeeded
    /// Will not become healthy, or the agent could not do it.
    case failed
    /// A step or the whole took too long.
    case timedOut = "timed_out"
    /// A newer command includes it.
    case superseded
    /// Somebody took it back.
    case canceled

    /// Whether nothing follows.
    public var isTerminal: Bool {
        switch self {
        case .accepted, .sent, .acknowledged, .applied: false
        case .succeeded, .failed, .timedOut, .superseded, .canceled: true
        }
    }
}

/// What happens to a command.
public enum CommandEvent: String, Sendable, Hashable, CaseIterable {
    /// The message to the agent was written.
    case send
    /// The agent took it.
    case acknowledge
    /// The agent did it.
    case apply
    /// It was healthy for the settling time.
    case settle
    /// It cannot succeed.
    case fail
    /// A deadline passed.
    case timeOut
    /// A newer command includes it.
    case supersede
    /// Somebody took it back.
    case cancel
}

/// What an event comes to.
public enum CommandStep: Sendable, Hashable {
    /// The command moves on.
    case moves(CommandState)
    /// It was there already: nothing changes.
    case repeats
    /// The command has ended: the event is written to the ledger and moves nothing.
    case late
    /// The event makes no sense in this state.
    case impossible
}

extension CommandState {
    /// The state machine of commands, as a table: the state, and what each event comes to in it.
    ///
    /// A terminal state is never left. Steps that were not heard of are skipped: an `applied` says that it was
    /// acknowledged.
    public func step(_ event: CommandEvent) -> CommandStep {
        if isTerminal { return .late }
        switch (self, event) {
        case (.accepted, .send): return .moves(.sent)
        case (_, .send): return .repeats
        case (.accepted, .acknowledge), (.sent, .acknowledge): return .moves(.acknowledged)
        case (_, .acknowledge): return .repeats
        case (.applied, .apply): return .repeats
        case (_, .apply): return .moves(.applied)
        case (.applied, .settle): return .moves(.succeeded)
        case (_, .settle): return .impossible
        case (_, .fail): return .moves(.failed)
        case (_, .timeOut): return .moves(.timedOut)
        case (_, .supersede): return .moves(.superseded)
        case (_, .cancel): return .moves(.canceled)
        }
    }
}
