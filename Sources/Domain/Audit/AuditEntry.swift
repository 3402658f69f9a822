internal import CloudEvents
public import Foundation
public import WorkerRuntime

/// One line of the audit log: who decided what, on whose behalf, and how it ended.
///
/// It names things and never holds what a message said of them, so no secret can be in it.
public struct AuditEntry: Sendable, Hashable {
    /// The program that decided.
    public var decidedBy: String
    /// Who asked, as verified; `nil` where nobody could tell.
    public var caller: String?
    /// Whose permission counted, where a rule acted for somebody.
    public var onBehalfOf: String?
    /// The request's name, or the act of the command line.
    public var operation: String
    /// The project it is about.
    public var project: String?
    /// The environment it is about.
    public var environment: String?
    /// The kind of thing it is about.
    public var subjectKind: String?
    /// The name of that thing.
    public var subjectName: String?
    /// The request's CloudEvents source.
    public var requestSource: String?
    /// The request's CloudEvents id.
    public var requestID: String?
    /// The command that the request became.
    public var command: UUID?
    /// How it ended.
    public var outcome: String
    /// Why, where it was refused or failed.
    public var reason: Reason?

    /// Makes a line about something that has no request.
    public init(decidedBy: String, caller: String?, operation: String, outcome: String) {
        self.decidedBy = decidedBy
        self.caller = caller
        self.operation = operation
        self.outcome = outcome
    }
}

extension AuditEntry {
    /// The line of a request that was decided.
    init(_ input: RequestInput, command: UUID?, outcome: String, reason: Reason?) {
        self.init(
            decidedBy: RequestDesk.worker,
            caller: input.caller.isVerified ? input.caller.name : nil,
            operation: Self.operation(of: input.identity.type),
            outcome: outcome
        )
        onBehalfOf = input.caller.onBehalfOf
        let place = RequestPlace(of: input.identity)
        project = place.project
        environment = place.environment
        subjectKind = input.identity.subjectKind
        subjectName = input.identity.subjectName
        requestSource = input.identity.source
        requestID = input.identity.id
        self.command = command
        self.reason = reason
    }

    /// The line of a command that has ended.
    init(_ command: Command, decidedBy worker: String) {
        self.init(
            decidedBy: worker,
            caller: command.caller,
            operation: command.operation,
            outcome: command.state.rawValue
        )
        project = command.project
        environment = command.environment
        subjectKind = command.subjectKind
        subjectName = command.subjectName
        requestSource = command.requestSource
        requestID = command.requestID
        self.command = command.id
        reason = command.reason
    }

    /// A request's name without the prefix and the version.
    private static func operation(of type: String) -> String {
        EventType(type).map { "\($0.concept).\($0.verb)" } ?? type
    }
}
