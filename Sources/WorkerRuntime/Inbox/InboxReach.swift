/// How far back the inbox can say whether a message was seen, in three lengths that must rise.
public enum InboxReach {
    /// Older messages that are read from a topic are refused; longer than request topics keep theirs.
    public static let read: Duration = .seconds(15 * 86_400)
    /// Older messages that waited behind a failed one of their key are refused.
    public static let parked: Duration = read + .seconds(86_400)
    /// What was seen longer ago is forgotten.
    public static let kept: Duration = parked + .seconds(86_400)
}
