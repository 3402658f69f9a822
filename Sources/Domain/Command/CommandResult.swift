public import CloudEvents
import Foundation
internal import JSON
public import WorkerRuntime

/// What is said of a command on `deployment.results`.
public enum CommandResult {
    /// The topic.
    public static let topic = "deployment.results"

    /// The message about one step; its id follows from command and revision, so a repeat is recognisable.
    public static func record(of command: Command, _ step: LedgerStep, worker: String, now: Int64) -> OutboxRecord {
        let data = JSONWriter.object { json in
            json.member("command", command.id.uuidString.lowercased())
            json.objectMember("request") { request in
                request.member("source", command.requestSource)
                request.member("id", command.requestID)
                request.member("type", command.requestType)
                request.member("caller", command.caller)
            }
            if let project = command.project { json.member("project", project) }
            if let environment = command.environment { json.member("environment", environment) }
            json.objectMember("subject") { subject in
                subject.member("kind", command.subjectKind)
                subject.member("name", command.subjectName)
            }
            json.member("state", step.state.rawValue)
            json.member("revision", step.revision)
            json.member("generation", command.generation)
            json.member("reason", step.reason)
            json.member("time", RFC3339.format(microseconds: now))
        }
        return OutboxRecord(
            topic: topic,
            key: command.key,
            event: OutgoingEvent(
                id: id(command.id, step.revision),
                type: "slipway.command.\(step.state.rawValue).v1",
                source: "/slipway/\(worker)",
                subject: "\(command.key)/\(command.subjectName)",
                time: now,
                data: data,
                extensions: [("revision", String(step.revision))],
                trace: command.trace
            )
        )
    }

    /// The message about a request that never became a command.
    ///
    /// The time belongs to its id: a dry run that comes again is decided again, and what is kept is kept with its time.
    public static func rejection(of request: RequestIdentity, _ reason: Reason, now: Int64) -> OutboxRecord {
        let id = DerivedID.make("rejection", request.source, request.id, reason.code, String(now))
        return answer(to: request, "rejected", id: id, now: now) { $0.member("reason", reason) }
    }

    /// What is said of a request without a command; `more` writes what its state adds.
    static func answer(
        to request: RequestIdentity,
        _ state: String,
        id: UUID,
        now: Int64,
        more: (inout JSONWriter) -> Void
    ) -> OutboxRecord {
        let data = JSONWriter.object { json in
            json.member("command", nil as String?)
            json.objectMember("request") { identity in
                identity.member("source", request.source)
                identity.member("id", request.id)
                identity.member("type", request.type)
                // Whoever was not verified is nobody: others may write anybody's source and id.
                if let caller = request.caller { identity.member("caller", caller) }
            }
            let place = RequestPlace(of: request)
            if let project = place.project { json.member("project", project) }
            if let environment = place.environment { json.member("environment", environment) }
            json.objectMember("subject") { subject in
                subject.member("kind", request.subjectKind)
                subject.member("name", request.subjectName)
            }
            json.member("state", state)
            json.member("revision", 0)
            more(&json)
            json.member("time", RFC3339.format(microseconds: now))
        }
        return OutboxRecord(
            topic: topic,
            key: request.key,
            event: OutgoingEvent(
                id: id.uuidString.lowercased(),
                type: "slipway.command.\(state).v1",
                source: "/slipway/\(RequestDesk.worker)",
                subject: "\(request.key)/\(request.subjectName)",
                time: now,
                data: data,
                extensions: [("revision", "0")],
                trace: request.trace
            )
        )
    }

    /// The id of the message about one step.
    static func id(_ command: UUID, _ revision: Int64) -> String {
        DerivedID.make("result", command.uuidString, String(revision)).uuidString.lowercased()
    }
}

/// Who asked for what: the part of a request that its answer repeats.
public struct RequestIdentity: Sendable, Hashable {
    /// The CloudEvents source.
    public var source: String
    /// The CloudEvents id.
    public var id: String
    /// The CloudEvents type.
    public var type: String
    /// The Kafka key.
    public var key: String
    /// What it is about: `instance`, `environment` and so on.
    public var subjectKind: String
    /// The name of what it is about, as far as it could be read.
    public var subjectName: String
    /// The trace.
    public var trace: TraceContext?
    /// Who asked, as commands name them; `nil` where that was not verified.
    public var caller: String? = nil
}

extension JSONWriter {
    /// Writes an object member.
    mutating func objectMember(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        member(name, object: body)
    }

    /// Writes a reason, or null.
    mutating func member(_ name: StaticString, _ reason: Reason?) {
        guard let reason else { return member(name, nil as String?) }
        objectMember(name) { json in
            json.member("code", reason.code)
            json.member("message", reason.sentence)
            if let field = reason.field { json.member("field", field) }
        }
    }
}
