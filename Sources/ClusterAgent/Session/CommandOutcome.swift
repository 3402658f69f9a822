/// How an agent was done with a command.
public enum CommandOutcome: String, Sendable, Hashable, CaseIterable {
    /// The cluster runs what was asked for.
    case applied
    /// The cluster could not do it.
    case failed
    /// A command of a higher generation took its place.
    case superseded
    /// The fleet took it back before it began.
    case withdrawn
}
