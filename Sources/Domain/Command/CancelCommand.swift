import Foundation
import Postgres
import WorkerRuntime

/// `slipway.command.cancel.v1`: takes back a command that the agent has not taken yet, or ends a log that is followed.
struct CancelCommand: RequestOperation {
    static let name = "command.cancel"
    static let access = Access.member

    let project: String
    let environment: String
    let command: String

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("command", command.lowercased()) }
    /// What the command is about is known only when it is read.
    var rows: RequestRows { RequestRows(isWholeEnvironment: true) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.command(command)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let id = UUID(uuidString: command) ?? UUID()
        let known = try act.desk.progress.store.lock([id], in: transaction)[id]
        guard let open = known, open.environmentID == place.id else {
            throw Reason(
                code: "unknown_command",
                sentence: "No command '\(command.lowercased())' belongs to the environment '\(place.key)'.",
                field: "command"
            )
        }
        if let reason = Self.refusal(of: open) { throw reason }
        if open.state == .acknowledged {
            // The agent ends the log, and with it the command.
            let post = try act.post(to: place.cluster, in: transaction)
            act.outbox.append(post.withdrawn(open, namespace: place.namespace, now: act.now))
        } else {
            let reason = Reason(code: "canceled", sentence: "'\(act.caller.recorded)' took it back.")
            try act.end(open, by: .cancel, reason, in: place, transaction: transaction)
        }
        var done = act.command()
        done.environmentID = place.id
        try act.succeedAtOnce(done, in: transaction)
    }

    /// Why a command cannot be taken back; `nil` where it can.
    ///
    /// Pure.
    static func refusal(of command: Command) -> Reason? {
        let (code, sentence): (String, String)
        switch command.state {
        case .accepted, .sent:
            guard command.operation.hasPrefix("environment.") else { return nil }
            (code, sentence) = ("cannot_cancel", "What is done to a whole environment cannot be taken back.")
        case .acknowledged where command.operation == RequestContainerLogs.name:
            return nil
        case .acknowledged, .applied:
            code = "already_acknowledged"
            sentence = "The agent has taken the command already; ask for what you want instead, such as a rollback."
        case .succeeded, .failed, .timedOut, .superseded, .canceled:
            (code, sentence) = ("already_ended", "The command has ended as '\(command.state.rawValue)'.")
        }
        return Reason(code: code, sentence: sentence, field: "command")
    }
}
