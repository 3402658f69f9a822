import Domain

/// What this boot has said to be done: said again after a loss, because of a command that is over the fleet asks no more.
extension AgentSession {
    /// A success that was said.
    struct Success: Sendable, Hashable {
        let mark: CommandMark
        let saidAt: Int64
    }

    /// What was said longer ago has arrived, or its loss was noticed: microseconds.
    private static let longestDelivery: Int64 = 3_600_000_000

    /// Notes that a command was said to be done; a log leaves nothing in the cluster.
    mutating func noteSuccess(of work: ClusterWork, now: Int64) {
        if case .log = work { return }
        successes[work.subject] = Success(mark: work.mark, saidAt: now)
    }

    /// Notes that something that was said did not arrive: what is to be said again does not grow old from here on.
    mutating func noteLoss(now: Int64) {
        forgetArrived(now: now)
        hasLost = true
    }

    /// Forgets what has arrived, unless something that was said is to be said again.
    mutating func forgetArrived(now: Int64) {
        guard !hasLost else { return }
        successes = successes.filter { now - $0.value.saidAt < Self.longestDelivery }
    }

    /// Says once more, to a fleet that has answered, what may not have arrived; open commands it sends again itself.
    mutating func sayAgain(open: Set<String>, now: Int64, _ view: some Cluster) {
        guard hasLost else { return forgetArrived(now: now) }
        hasLost = false
        let ordered = successes.sorted {
            ($0.value.saidAt, $0.value.mark.command) < ($1.value.saidAt, $1.value.mark.command)
        }
        for (subject, success) in ordered where !open.contains(success.mark.command) {
            guard view.mark(of: subject) == success.mark else { continue }
            say(.applied(success.mark, objects: view.objects(of: subject)), now: now)
            successes[subject] = Success(mark: success.mark, saidAt: now)
        }
    }
}
