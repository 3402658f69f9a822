/// Where a cluster's agent stands.
public enum AgentState: String, Sendable, Hashable, CaseIterable {
    /// It never said hello.
    case unknown
    /// It speaks.
    case connected
    /// It has been silent for longer than its lease.
    case lost
    /// Two agents take turns.
    case conflict
}

/// What happens between the fleet and a cluster's agent.
public enum AgentEvent: String, Sendable, Hashable, CaseIterable {
    /// A hello was answered with a welcome.
    case welcomed
    /// A hello was refused: another agent has taken over, or speaks for another cluster.
    case refused
    /// The current boot said something that counts.
    case spoke
    /// It did so long after the last hello that was refused: nobody else speaks any more.
    case uncontested
    /// The lease passed without a word, and everything up to then was read.
    case silent
}

extension AgentState {
    /// The state machine of agents, as a table: the state, and where each event leads from it.
    public func after(_ event: AgentEvent) -> AgentState {
        switch (self, event) {
        case (_, .welcomed): .connected
        case (_, .refused): .conflict
        // Who speaks without a hello was welcomed before; a conflict is not over because one of the two goes on.
        case (.unknown, .spoke), (.connected, .spoke), (.lost, .spoke): .connected
        case (.conflict, .spoke): .conflict
        case (.conflict, .uncontested): .connected
        case (_, .uncontested): self
        case (.connected, .silent), (.conflict, .silent): .lost
        case (.unknown, .silent): .unknown
        case (.lost, .silent): .lost
        }
    }

    /// Whether one agent, and no other, speaks for the cluster.
    public var isConnected: Bool { self == .connected }

    /// The states that silence ends.
    static let endedBySilence = allCases.filter { $0 != .lost && $0.after(.silent) == .lost }.map(\.rawValue)
}
