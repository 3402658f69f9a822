/// Whether an agent has told all that it sees: by what it told of objects can they be judged only then.
///
/// A boot has everything still to tell when it is welcomed, and so has one that was cut off: what happened meanwhile comes
/// with its snapshots, and they come after its first words. Times are microseconds since 1970.
struct AgentAccount: Sendable, Hashable {
    /// Since when nothing is left to be told, by the database's clock; `nil` while something is.
    private(set) var completeSince: Int64?
    /// When it was last heard whether something is; `nil` if never.
    private(set) var heardAt: Int64?
    /// Workers of this version hear of it with each heartbeat: whose words are so much newer was followed by older ones.
    private static let silence: Int64 = 30_000_000

    init(completeSince: Int64? = nil, heardAt: Int64? = nil) {
        self.completeSince = completeSince
        self.heardAt = heardAt
    }

    /// What a cluster's row says to whoever follows the agent: of another epoch than the present one nothing counts.
    init(completeSince: Int64?, heardAt: Int64?, epoch: Int64?, of present: Int64) {
        self.init(completeSince: epoch == present ? completeSince : nil, heardAt: heardAt)
    }

    /// What a cluster's row says to whoever judges by it.
    ///
    /// Where workers of a version before have followed the agent lately, all that is known is that it spoke, and it is
    /// believed to have told all.
    init(completeSince: Int64?, heardAt: Int64?, epoch: Int64?, of present: Int64, lastSeen: Int64?) {
        if let heardAt, heardAt >= (lastSeen ?? 0) - Self.silence {
            self.init(completeSince: completeSince, heardAt: heardAt, epoch: epoch, of: present)
        } else {
            self.init(completeSince: lastSeen.map { _ in completeSince ?? .min }, heardAt: lastSeen)
        }
    }

    /// The same in SQL, of a cluster `k`: when it was last heard to have told all that it sees; null while it has not.
    static let heardSQL = """
        case when k.account_heard_at is null or k.account_heard_at < k.last_seen - interval '30 seconds' then k.last_seen
            when k.account_complete_since is not null and k.account_epoch = k.epoch then k.account_heard_at end
        """

    /// A boot introduces itself: everything is still to be told.
    mutating func begin(at heard: Int64) {
        completeSince = nil
        heardAt = max(heardAt ?? 0, heard)
    }

    /// Takes what a heartbeat says of it.
    ///
    /// - Parameters:
    ///   - heard: When it was heard, by the broker's clock where that is known.
    ///   - now: The database's clock, by which is told up to when something was read.
    mutating func take(isComplete: Bool, at heard: Int64, now: Int64) {
        heardAt = max(heardAt ?? 0, heard)
        completeSince = isComplete ? completeSince ?? max(heard, now) : nil
    }

    /// Whether everything that belongs to it was read, which is told of objects up to a time.
    func isRead(_ read: Int64?) -> Bool {
        guard let completeSince, let read else { return false }
        return read >= completeSince
    }

    /// Whether it tells how the objects were at a time, by what was read of it.
    ///
    /// - Parameter read: Up to when was read what is told of the objects.
    func shows(_ time: Int64, read: Int64?) -> Bool {
        guard let heardAt, let read else { return false }
        return heardAt >= time && read >= time && isRead(read)
    }
}
