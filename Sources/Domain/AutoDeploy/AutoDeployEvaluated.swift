internal import CloudEvents
import Foundation
internal import JSON
import WorkerRuntime

/// What a rule made of a release, for whoever follows the environment's results: that it fired, or why it did not.
struct AutoDeployEvaluated: Sendable {
    static let type = "slipway.autodeploy.evaluated.v1"
    let rule: AutoDeployRule
    let decision: AutoDeployDecision
    let version: String
    /// The command of the request that the rule made; it has this id once it is accepted.
    let command: UUID?

    /// Whether this was not said before: a rule that rests on a version for the same reason again says it once.
    var isNews: Bool {
        guard case .rests(let reason) = decision else { return true }
        return rule.rested != AutoDeployRule.Rest(version: version, code: reason.code)
    }

    /// The message, keyed by the environment.
    ///
    /// - Parameter release: The event's source and id, from which the message's id follows.
    func record(of release: (source: String, id: String), now: Int64, trace: TraceContext?) -> OutboxRecord {
        let key = rule.key
        let data = JSONWriter.object { json in
            json.member("project", rule.project)
            json.member("environment", rule.environment)
            json.member("rule", rule.name)
            json.member("instance", rule.instance)
            json.member("application", rule.application)
            json.member("version", version)
            json.member("fired", decision == .fires)
            if case .rests(let reason) = decision {
                json.member("reason", reason)
            } else {
                json.member("reason", nil as Reason?)
            }
            json.member("command", command?.uuidString.lowercased())
            json.member("time", RFC3339.format(microseconds: now))
        }
        return OutboxRecord(
            topic: CommandResult.topic,
            key: key,
            event: OutgoingEvent(
                id: DerivedID.make(Self.type, String(rule.id), release.source, release.id).uuidString.lowercased(),
                type: Self.type,
                source: "/slipway/release-worker",
                subject: "\(key)/\(rule.instance)",
                time: now,
                data: data,
                trace: trace
            )
        )
    }
}
