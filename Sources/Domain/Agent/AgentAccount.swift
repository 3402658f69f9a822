/// Whether an agent has told all that it sees: by what it told of objects can they be judged only then.
///
/// A boot has everything still to tell when it is welcomed, and so has one that was cut off: what happened meanwhile comes
/// with its snapshots, and they come after its first words. Times are microseconds since 1970.
struct AgentAccount: Sendable, Hashable {
    /// Since when nothing is left to be told; `nil` while something is.
    private(set) var completeSince: Int64?
    /// When it was last heard whether something is; `nil` if never.
    private(set) var heardAt: Int64?

    init(completeSince: Int64? = nil, heardAt: Int64? = nil) {
        self.completeSince = completeSince
        self.heardAt = heardAt
    }

    /// What is known where only workers of a version before have followed the agent: that it spoke.
    init(ofOlderWorkers lastSeen: Int64?) {
        self.init(completeSince: lastSeen.map { _ in .min }, heardAt: lastSeen)
    }

    /// A boot introduces itself: everything is still to be told.
    mutating func begin(at heard: Int64) {
        completeSince = nil
        heardAt = max(heardAt ?? 0, heard)
    }

    /// Takes what a heartbeat says of it.
    mutating func take(isComplete: Bool, at heard: Int64) {
        heardAt = max(heardAt ?? 0, heard)
        completeSince = isComplete ? completeSince ?? heardAt : nil
    }

    /// Whether it tells how the objects were at a time, by what was read of it.
    ///
    /// - Parameter read: Up to when was read what is told of the objects.
    func shows(_ time: Int64, read: Int64?) -> Bool {
        guard let completeSince, let heardAt, let read else { return false }
        return heardAt >= time && read >= max(time, completeSince)
    }
}
