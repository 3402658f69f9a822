public import CloudEvents
public import Foundation
public import WorkerRuntime

/// One accepted request on its way: the row that is locked, changed and written.
public struct Command: Sendable {
    /// Derived from the request, see `InboxKey`.
    public let id: UUID
    /// What it does, such as `instance.deploy`.
    public var operation: String
    /// The environment's row.
    public var environmentID: Int64?
    /// The instance's row.
    public var instanceID: Int64?
    /// The row of the network, domain, certificate, config map or secret.
    public var objectID: Int64?
    /// The cluster whose agent does it.
    public var cluster: String?
    /// The key of its results.
    public var key: String
    /// What it is about: `instance`, `environment` and so on.
    public var subjectKind: String
    /// The name of what it is about.
    public var subjectName: String
    /// The project.
    public var project: String?
    /// The environment's name.
    public var environment: String?
    /// The generation of the instance that it makes.
    public var generation: Int64 = 0
    /// Where it stands.
    public var state: CommandState = .accepted
    /// The number of its newest step.
    public var revision: Int64 = 0
    /// Why it ended as it did.
    public var reason: Reason?
    /// Who asked, as verified.
    public var caller: String
    /// The CloudEvents source of the request.
    public var requestSource: String
    /// The CloudEvents id of the request.
    public var requestID: String
    /// The CloudEvents type of the request.
    public var requestType: String
    /// The whole desired state after it, as JSON.
    public var desired: [UInt8] = Array("{}".utf8)
    /// What the agent applied, and how far its rollouts were seen to come, as JSON of ``WatchedObject``.
    public var objects: [UInt8]?
    /// Microseconds since 1970.
    public var createdAt: Int64
    /// When the present step must be over.
    public var stepDeadline: Int64?
    /// When it must be over, whatever happens.
    public var deadline: Int64
    /// How long its steps may take.
    public var timers: CommandTimers
    /// Since when it has been healthy or failing.
    public var windows = CommandWindows()
    /// The trace of the request.
    public var trace: TraceContext?
    /// When the agent is done with the command before it, at the latest; not stored: the deadlines follow from it.
    var waitsUntil: Int64?
}

/// How long the steps of a command may take; kept with the command.
public struct CommandTimers: Sendable, Hashable {
    /// Seconds until the agent must have taken it.
    public var acknowledge = 60
    /// Seconds until the agent must have done it.
    public var apply = 300
    /// Seconds until it must be healthy.
    public var healthy = 600
    /// Seconds for the whole, whatever happens.
    public var total = 1800
    /// Seconds that it must stay healthy to succeed.
    public var settle = 10
    /// Seconds that it must keep failing to fail.
    public var failure = 60

    /// The design's defaults.
    public init() {}

    /// Reads `SLIPWAY_<NAME>_SECONDS`.
    public init(_ settings: Settings) throws(StartError) {
        acknowledge = try settings.number("ACKNOWLEDGE_SECONDS", default: acknowledge, in: 1...86_400)
        apply = try settings.number("APPLY_SECONDS", default: apply, in: 1...86_400)
        healthy = try settings.number("HEALTHY_SECONDS", default: healthy, in: 1...86_400)
        total = try settings.number("DEADLINE_SECONDS", default: total, in: 1...86_400)
        settle = try settings.number("SETTLE_SECONDS", default: settle, in: 0...3600)
        failure = try settings.number("FAILURE_SECONDS", default: failure, in: 0...3600)
        let limit = min(total, Self.shortestTotal)
        guard settle < limit else {
            throw StartError(
                "SLIPWAY_SETTLE_SECONDS is \(settle); it should be less than \(limit), the seconds in which a command must be over as "
                    + (total < Self.shortestTotal ? "SLIPWAY_DEADLINE_SECONDS says." : "the quickest operations have.")
            )
        }
    }

    /// The deadline of the step that begins in this state, if one does.
    func stepSeconds(in state: CommandState) -> Int? {
        switch state {
        case .accepted, .sent: acknowledge
        case .acknowledged: apply
        case .applied: healthy
        default: nil
        }
    }
}

/// Since when a command's objects have been healthy, or failing, without a break.
public struct CommandWindows: Sendable, Hashable {
    /// Microseconds since 1970, or `nil` while not everything is healthy.
    public var healthySince: Int64?
    /// Microseconds since 1970, or `nil` while nothing is failing.
    public var failingSince: Int64?
    /// What is failing.
    public var failing: Reason?

    /// Neither healthy nor failing.
    public init() {}
}
