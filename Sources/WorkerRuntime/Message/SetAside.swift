/// Why a message that was understood is not handled.
public enum SetAside: Sendable, Hashable {
    /// As much as may waits behind a failed message of the same key.
    case queueFull
    /// It failed each time it was tried, and goes to the topic's dead letters with this reason.
    case deadLettered(Reason)
}
