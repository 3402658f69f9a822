import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// `slipway.container.logs.v1`: asks for a container's log, once or followed; the lines come on `container.logs`.
///
/// Its command lasts as long as the log: it succeeds when the log has ended. `command.cancel` ends it before,
/// and `container.listen` lets one that is followed go on.
struct RequestContainerLogs: RequestOperation {
    static let name = "container.logs"
    static let access = Access.member

    let project: String
    let environment: String
    let pod: String
    /// The pod's main container where it is left out.
    let container: String?
    /// How many of the newest lines.
    let lines: Int?
    let follow: Bool?
    /// How long it is followed.
    let seconds: Int?
    /// Whether the run before the present one is wanted.
    let previous: Bool?
    /// How many bytes of lines are sent in all.
    let bytes: Int?

    /// How many logs of an environment may be on their way at once.
    static let mostOpen = 20
    /// How long a log may be followed without a new word.
    static let secondsRange = 1...3600
    /// How long after its last line a log's end may take.
    static let endSeconds = 120
    private static let defaultSeconds = 300
    private static let defaultBytes = 1 << 20

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject {
        RequestSubject("container", [pod, container].compactMap { $0 }.joined(separator: "/"))
    }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        guard !pod.isEmpty, pod.utf8.count <= 253 else {
            throw Reason(code: "invalid_field", sentence: "'pod' should have 1 to 253 characters.", field: "pod")
        }
        if let container { try FieldRules.name(container, "container") }
        try FieldRules.number(lines, "lines", 1...100_000)
        try FieldRules.number(seconds, "seconds", Self.secondsRange)
        try FieldRules.number(bytes, "bytes", 1024...(16 << 20))
        guard seconds == nil || follow == true else {
            throw Reason(
                code: "invalid_field",
                sentence: "'seconds' says how long a log is followed; it should come with 'follow'.",
                field: "seconds"
            )
        }
        guard !(follow == true && previous == true) else {
            throw Reason(
                code: "invalid_field",
                sentence: "The previous run has ended and cannot be followed; ask for 'previous' without 'follow'.",
                field: "previous"
            )
        }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try requireAgent(of: place, in: transaction)
        let container = try choose(try containers(in: place, transaction))
        try requireRoom(in: place, transaction)
        var command = act.command()
        command.environmentID = place.id
        command.cluster = place.cluster
        command.subjectName = "\(pod)/\(container)"
        let length = follow == true ? seconds ?? Self.defaultSeconds : 60
        command.timers.apply = length + 60
        command.deadline = act.now + Int64(command.timers.acknowledge + length + Self.endSeconds) * 1_000_000
        let wanted = LogsRequested(
            command: command.id.uuidString.lowercased(),
            namespace: place.namespace,
            pod: pod,
            container: container,
            lines: lines,
            follow: follow ?? false,
            seconds: length,
            previous: previous ?? false,
            bytes: bytes ?? Self.defaultBytes
        )
        let post = try act.post(to: place.cluster, in: transaction)
        try act.accept(command, sending: post.logsRequested(command, wanted, now: act.now), in: transaction)
    }

    /// Which of the pod's containers is meant.
    ///
    /// Pure.
    func choose(_ rows: [ContainerRow]) throws(Reason) -> String {
        let names = rows.map(\.container)
        guard let container else {
            guard let main = rows.first(where: { $0.role == .main }) else {
                throw Reason(code: "unknown_container", sentence: "The pod '\(pod)' has no container.", field: "pod")
            }
            return main.container
        }
        guard names.contains(container) else {
            throw Reason(
                code: "unknown_container",
                sentence:
                    "The pod '\(pod)' has no container '\(container)'; it has \(names.joined(separator: ", ")).",
                field: "container"
            )
        }
        return container
    }

    private func requireAgent(of place: EnvironmentRow, in transaction: borrowing PostgresTransaction) throws {
        let state = try transaction.query("select state from cluster where cluster = $1", [.text(place.cluster)])
            .first?.string(0)
        guard state == AgentState.connected.rawValue else {
            throw Reason(
                code: "agent_not_connected",
                sentence: "The agent of cluster '\(place.cluster)' is not connected, so nobody can read the log now."
            )
        }
    }

    private func containers(
        in place: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws -> [ContainerRow] {
        let row = try transaction.query(
            """
            select object::text from resource
            where cluster = $1 and namespace = $2 and kind = 'Pod' and name = $3 and not gone and object is not null
            """,
            [.text(place.cluster), .text(place.namespace), .text(pod)]
        ).first
        guard let row else { throw Reason.unknownPod(pod, in: place.key) }
        return try ContainerList.rows(ofPod: Array(try row.string(0).utf8), parser: JSONParser())
    }

    private func requireRoom(in place: EnvironmentRow, _ transaction: borrowing PostgresTransaction) throws {
        let open = try transaction.query(
            """
            select count(*)::int from command where environment_id = $1 and operation = $2
                and state in ('accepted', 'sent', 'acknowledged', 'applied')
            """,
            [.int64(place.id), .text(Self.name)]
        ).only().int32(0)
        guard open < Self.mostOpen else {
            throw Reason(
                code: "too_many_logs",
                sentence: "\(Self.mostOpen) logs of the environment are on their way; end one with 'command.cancel'."
            )
        }
    }
}

extension Reason {
    fileprivate static func unknownPod(_ name: String, in place: String) -> Reason {
        Reason(
            code: "unknown_pod",
            sentence: "No pod '\(name.prefix(80))' is seen in '\(place)'; 'slipway containers \(place)' lists them.",
            field: "pod"
        )
    }
}
