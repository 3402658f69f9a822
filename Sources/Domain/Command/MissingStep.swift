public import WorkerRuntime

/// What is known when a deadline passes, beside the command itself.
public struct MissingEvidence: Sendable, Hashable {
    /// The agent.
    public var agent: AgentCondition
    /// Whether Slipway has not read what the agent said, and told of the objects, up to the deadline.
    public var isBehind = false
    /// Whether the agent, which is there, has not told all that it sees since it came back.
    public var isUntold = false
    /// What of the instance is not healthy.
    public var unhealthy: String?
    /// The hook Job that runs.
    public var hook: String?
    /// How many of the instance's pods, or objects, are left that are to be gone.
    public var left: Int?

    /// Makes it of what is known of the agent.
    public init(agent: AgentCondition) { self.agent = agent }
}

extension Command {
    /// What a deadline that passed says: the step that is missing, and who can do something about it.
    public func missingStep(_ evidence: MissingEvidence) -> Reason {
        if evidence.isBehind {
            return Reason(
                code: "slipway_behind",
                sentence: "Slipway itself has not read what was told up to the deadline; look at 'slipway lag'."
            )
        }
        switch state {
        case .accepted, .sent: return missingAcknowledgement(evidence.agent)
        case .acknowledged: return missingApply(evidence.hook)
        default:
            if evidence.isUntold, evidence.agent == .connected { return missingAccount }
            if let failing = windows.failing { return failing }
            let wasHealthy = windows.healthySince != nil && evidence.agent == .lost
            return wasHealthy ? missingWord : missingGoal(evidence)
        }
    }

    /// Its objects were healthy, and nobody tells whether they stayed so.
    private var missingWord: Reason {
        Reason(
            code: "agent_offline",
            sentence: "The objects were healthy when the agent of cluster '\(cluster ?? "")' fell silent, before they "
                + "had been so for \(timers.settle) s; bring it back, then send the request again."
        )
    }

    /// How its objects look now was not told.
    private var missingAccount: Reason {
        Reason(
            code: "agent_offline",
            sentence: "The agent of cluster '\(cluster ?? "")' came back and has not told all that it sees since; "
                + "look at its log, then send the request again."
        )
    }

    private func missingAcknowledgement(_ agent: AgentCondition) -> Reason {
        let name = cluster ?? ""
        switch agent {
        case .neverSeen:
            return Reason(
                code: "agent_offline",
                sentence: "The agent of cluster '\(name)' has never connected; start it, then send the request again."
            )
        case .lost:
            return Reason(
                code: "agent_offline",
                sentence: "The agent of cluster '\(name)' is not connected; bring it back, then send the request again."
            )
        case .connected:
            return Reason(
                code: "not_acknowledged",
                sentence: "The agent did not take the command within \(timers.acknowledge) s; look at its log."
            )
        }
    }

    private func missingApply(_ hook: String?) -> Reason {
        if let hook {
            return Reason(
                code: "hook_running",
                sentence:
                    "The hook Job '\(hook)' was still running at the command's absolute limit; look at its output "
                    + "with 'slipway explain --stages'."
            )
        }
        return Reason(
            code: "not_applied",
            sentence:
                "The agent took the command but did not finish applying it within \(timers.apply) s; look at its log."
        )
    }

    private func missingGoal(_ evidence: MissingEvidence) -> Reason {
        let left = evidence.left ?? 0
        let time = "within \(timers.healthy) s"
        switch goal {
        case .stopped:
            return Reason(
                code: "pods_left",
                sentence: left > 0
                    ? "The workloads have no replicas any more, but \(left) pods did not end \(time)."
                    : "No pod is left, but not every Deployment and StatefulSet was seen to want none \(time)."
            )
        case .gone:
            return Reason(
                code: "objects_left",
                sentence: "The release was removed, but \(left) of its objects were still there "
                    + "after \(timers.healthy) s."
            )
        case .healthy, .applied:
            return Reason(
                code: "not_ready",
                sentence: "The objects were applied but did not become healthy \(healthyTime)"
                    + (evidence.unhealthy.map { ": \($0)." } ?? ".")
            )
        }
    }

    /// How long was waited for health: rollouts that advance are given their time anew, up to the absolute limit.
    private var healthyTime: String {
        stepDeadline ?? deadline < deadline
            ? "within \(timers.healthy) s of their last progress"
            : "by the command's absolute limit of \(timers.total) s"
    }
}
