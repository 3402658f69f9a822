import Foundation
import Postgres
import WorkerRuntime

/// `slipway.container.listen.v1`: somebody still listens to a log that is followed, which goes on for a while more.
///
/// Who follows without knowing for how long asks for a log of a minute, and says so again and again: when nobody does any
/// more, whatever has become of them, the log ends.
struct ListenToLog: RequestOperation {
    static let name = "container.listen"
    static let access = Access.member
    static let subjectKind = "command"

    let project: String
    let environment: String
    /// The command that `container.logs` became.
    let command: String
    /// For how long from now.
    let seconds: Int?

    private static let defaultSeconds = 60

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject(Self.subjectKind, command.lowercased()) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.command(command)
        try FieldRules.number(seconds, "seconds", RequestContainerLogs.secondsRange)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let id = UUID(uuidString: command) ?? UUID()
        let known = try act.desk.progress.store.lock([id], in: transaction)[id]
        guard let open = known, open.environmentID == place.id, open.operation == RequestContainerLogs.name else {
            throw Reason(
                code: "unknown_command",
                sentence: "No log '\(command.lowercased())' belongs to the environment '\(place.key)'.",
                field: "command"
            )
        }
        guard !open.state.isTerminal else {
            throw Reason(
                code: "already_ended",
                sentence: "The log has ended as '\(open.state.rawValue)'; ask for another one.",
                field: "command"
            )
        }
        let length = seconds ?? Self.defaultSeconds
        let until = act.now + Int64(length + RequestContainerLogs.endSeconds) * 1_000_000
        // Until the agent has taken it, its time to do so is what it was.
        try transaction.query(
            """
            update command set deadline = greatest(deadline, $2),
                step_deadline = case state when 'acknowledged' then greatest(step_deadline, $2) else step_deadline end
            where id = $1
            """,
            [.uuid(id), .timestamp(microsecondsSince1970: until)]
        )
        let listened = LogListened(command: open.id.uuidString.lowercased(), seconds: length)
        let post = try act.post(to: place.cluster, in: transaction)
        act.outbox.append(post.logListened(open, listened, now: act.now))
        var done = act.command()
        done.environmentID = place.id
        try act.succeedAtOnce(done, in: transaction)
    }
}
