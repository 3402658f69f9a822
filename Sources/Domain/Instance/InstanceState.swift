import WorkerRuntime

/// Where an instance stands.
public enum InstanceState: String, Sendable, Hashable, CaseIterable {
    /// A command is on its way.
    case operating
    /// It runs; how well, its health says.
    case running
    /// It was never brought to run.
    case failed
    /// It has no pods, because somebody stopped it.
    case stopped
    /// It is gone; the row keeps revision and generation, in case the name comes again.
    case deleted
}

extension InstanceState {
    /// The operations that an instance takes in each state, as a table.
    ///
    /// While a command is on its way, the state that it will make counts: the new command includes it.
    static let allowed: [InstanceState: Set<InstanceOperation>] = [
        .running: [.deploy, .upgrade, .configure, .rollback, .redeploy, .restart, .stop, .scale, .delete],
        .failed: [.deploy, .upgrade, .configure, .rollback, .redeploy, .delete],
        .stopped: [.deploy, .upgrade, .configure, .rollback, .start, .delete],
        .deleted: [.deploy],
        .operating: [],
    ]

    /// What the end of a command makes of its instance, as a table.
    ///
    /// A command that did not reach its goal leaves what was before it; before the first one there was nothing, so the
    /// instance has failed.
    ///
    /// - Parameter before: What the instance was before the command.
    func next(goal: CommandGoal, ended: CommandState, before: InstanceState?) -> InstanceState {
        switch (ended, goal) {
        case (.succeeded, .gone): .deleted
        case (.succeeded, .stopped): .stopped
        case (.succeeded, .healthy), (.succeeded, .applied): .running
        case (.failed, _), (.timedOut, _), (.canceled, _): before ?? .failed
        // The command that replaces it is on its way; an open one has not ended.
        case (.superseded, _), (.accepted, _), (.sent, _), (.acknowledged, _), (.applied, _): self
        }
    }

    /// What an instance will be when a command reaches its goal; and is, once the agent has done one that had ended.
    init(aim goal: CommandGoal) {
        switch goal {
        case .gone: self = .deleted
        case .stopped: self = .stopped
        case .healthy, .applied: self = .running
        }
    }
}

extension Command {
    /// Whether somebody ended it when the agent had done it, before it was seen whether that becomes healthy.
    ///
    /// The cluster keeps it, and it has not failed: the next change is made to it. Of a removal there is nothing to keep.
    var isLeftApplied: Bool { (state == .superseded || state == .canceled) && objects != nil && !isRemoval }

    /// Whether it ended since the cluster is further: it was done before, by a fleet whose database was put back since,
    /// and what the cluster went on to was made to it.
    ///
    /// So it counts as reached: what is consumed again behind it is decided as it was the first time.
    var isBehindCluster: Bool { state == .failed && reason?.code == AgentFailed.clusterIsFurther && !isRemoval }
}

extension InstanceOperation {
    /// Whether an environment in this state takes the operation.
    ///
    /// A disabled one takes only what leads out of it: what runs in it may be stopped and deleted.
    func isAllowed(in environment: EnvironmentState) -> Bool {
        switch environment {
        case .active: true
        case .disabled: self == .stop || self == .delete
        case .creating, .failed, .deleting, .deleted: false
        }
    }

    /// Why an instance in this state does not take the operation, and what would help; `nil` where it does.
    func refusal(of name: String, in state: InstanceState) -> Reason? {
        guard InstanceState.allowed[state]?.contains(self) != true else { return nil }
        let (code, sentence) =
            switch (state, self) {
            case (.deleted, _): ("unknown_instance", "does not exist; deploy it first.")
            case (.stopped, .stop): ("instance_stopped", "is stopped already.")
            case (.stopped, _): ("instance_stopped", "is stopped; start it first.")
            case (.failed, .start): ("instance_failed", "is not stopped: it was never brought to run; deploy it again.")
            case (.failed, _): ("instance_failed", "was never brought to run; deploy it again or delete it.")
            default: ("instance_running", "is not stopped; only what is stopped can be started.")
            }
        return Reason(code: code, sentence: "The instance '\(name)' \(sentence)", field: "instance")
    }
}
