public import WorkerRuntime

/// A line of the ledger.
public struct LedgerStep: Sendable, Hashable {
    /// Its number within the command.
    public var revision: Int64
    /// The state after it; for a late event the state that it would have led to.
    public var state: CommandState
    /// Whether it came after the end and moved nothing.
    public var isLate: Bool
    /// Why.
    public var reason: Reason?
}

extension Command {
    /// Takes an event: moves on, or notes that it came late.
    ///
    /// Pure. A terminal state is never left: what comes later becomes a late line of the ledger.
    ///
    /// - Parameter now: The database's clock, microseconds since 1970.
    /// - Returns: The line to write to the ledger, or `nil` when nothing happened.
    public mutating func take(_ event: CommandEvent, reason: Reason? = nil, now: Int64) -> LedgerStep? {
        switch state.step(event) {
        case .repeats, .impossible:
            return nil
        case .late:
            revision += 1
            return LedgerStep(revision: revision, state: event.aim, isLate: true, reason: reason)
        case .moves(let next):
            state = next
            revision += 1
            self.reason = reason
            let start = next == .sent ? max(now, waitsUntil ?? now) : now
            stepDeadline = timers.stepSeconds(in: next).map { min(start + Int64($0) * 1_000_000, deadline) }
            if next.isTerminal { windows = CommandWindows() }
            return LedgerStep(revision: revision, state: next, isLate: false, reason: reason)
        }
    }
}

/// What is known of the agent when a deadline passes.
public enum AgentCondition: Sendable, Hashable {
    /// It said something lately.
    case connected
    /// It has been silent for longer than its lease.
    case lost
    /// It never said hello.
    case neverSeen
}

extension CommandEvent {
    /// The state that the event leads to.
    var aim: CommandState {
        switch self {
        case .send: .sent
        case .acknowledge: .acknowledged
        case .apply: .applied
        case .settle: .succeeded
        case .fail: .failed
        case .timeOut: .timedOut
        case .supersede: .superseded
        case .cancel: .canceled
        }
    }
}
