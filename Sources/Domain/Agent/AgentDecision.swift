/// What is stored of a cluster's agent.
public struct AgentRecord: Sendable, Hashable {
    /// The uid that the cluster was bound to at its first hello.
    public var uid: String?
    /// The number of the current boot.
    public var epoch: Int64
    /// The current boot.
    public var boot: String?
    /// The number of the last message that counted.
    public var sequence: Int64
    /// `unknown`, `connected`, `lost` or `conflict`.
    public var state: AgentState
    /// When a hello was refused last, of a conflict: microseconds since 1970.
    ///
    /// `nil` where there is none, and where only a worker of the version before knew of it.
    public var refusedAt: Int64?
}

/// What a hello comes to.
public enum HelloDecision: Sendable, Hashable {
    /// The boot may act under this epoch; it is new or says hello again.
    case welcome(AgentRecord, isNewBoot: Bool)
    /// It may not: it was superseded, or it speaks for another cluster.
    case refuse(String, isConflict: Bool)
}

/// What the number of a message comes to.
public enum AgentNumbering: Sendable, Hashable {
    /// It counts; so many numbers before it are missing.
    case current(missing: Int64)
    /// It was seen.
    case repeated
    /// It comes from an earlier boot: recorded, and the sender is told to stop.
    case superseded
    /// It comes from an epoch that the database does not know, or from none: the agent is asked for its hello.
    case ahead
}

extension AgentRecord {
    /// Decides about a hello; pure.
    ///
    /// - Parameter isSuperseded: Whether this boot was superseded before: it never comes back.
    public func hello(boot: String, clusterUID: String, isSuperseded: Bool) -> HelloDecision {
        if let uid, uid != clusterUID {
            return .refuse(
                "This name belongs to the cluster \(uid); register this cluster under another name.",
                isConflict: true
            )
        }
        if isSuperseded {
            return .refuse("Another agent of this cluster has taken over.", isConflict: true)
        }
        var next = self
        next.uid = clusterUID
        next.state = state.after(.welcomed)
        next.refusedAt = nil
        guard boot != self.boot else { return .welcome(next, isNewBoot: false) }
        next.epoch += 1
        next.boot = boot
        next.sequence = 0
        return .welcome(next, isNewBoot: true)
    }

    /// For how long nobody else has said hello when a conflict is over.
    ///
    /// It is several leases, and longer than whatever starts an agent again that was refused waits before it does.
    private static let conflictSpan: Int64 = 120_000_000

    /// Takes note of a hello that was refused; pure.
    ///
    /// - Parameter heard: When it was heard: microseconds since 1970.
    mutating func noteRefusal(at heard: Int64) {
        state = state.after(.refused)
        refusedAt = max(refusedAt ?? 0, heard)
    }

    /// Takes note of a word of the current boot that counts; pure.
    ///
    /// - Parameter heard: When it was heard: microseconds since 1970.
    mutating func noteWord(at heard: Int64) {
        // A worker of the version before does not say when it refused one.
        let refused = refusedAt ?? heard
        state = state.after(.spoke)
        if heard - refused > Self.conflictSpan { state = state.after(.uncontested) }
        refusedAt = state == .conflict ? refused : nil
    }

    /// Whether a message might count if it could be read: it is a hello, or the next of the present boot; pure.
    func mayCount(epoch: Int64, sequence: Int64) -> Bool {
        if epoch == 0 { return true }
        if case .current = number(epoch: epoch, sequence: sequence) { return true }
        return false
    }

    /// Judges a message by its numbers; pure.
    public func number(epoch: Int64, sequence: Int64) -> AgentNumbering {
        // Epochs begin at 1: who was not welcomed yet is asked for its hello.
        if epoch > self.epoch || epoch == 0 { return .ahead }
        if epoch < self.epoch { return .superseded }
        if sequence <= self.sequence { return .repeated }
        return .current(missing: sequence - self.sequence - 1)
    }
}
