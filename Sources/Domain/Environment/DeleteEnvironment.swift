import Foundation
import Postgres
import WorkerRuntime

/// `slipway.environment.delete.v1`: the namespace and everything in it goes.
///
/// Nothing is forgotten before the agent has said that the namespace is gone: until then the environment is
/// `deleting`, and one whose deletion failed can be deleted again. See ``EnvironmentRemoval`` for the end.
struct DeleteEnvironment: EnvironmentRequest {
    static let name = "environment.delete"

    let project: String
    let environment: String
    /// Whether to take down what runs in it.
    let force: Bool?
    let timeoutSeconds: Int?

    /// Open commands end, so everything in it may change.
    ///
    /// Its cluster is locked with the place.
    var rows: RequestRows { RequestRows(isWholeEnvironment: true) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.timeout(timeoutSeconds)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let next = try place.state(after: force == true ? .forceDelete : .delete)
        let open = try act.openCommands(in: place.id, transaction)
        if place.state == .deleting, let running = open.first(where: { $0.operation == Self.name }) {
            throw Reason(
                code: "deletion_under_way",
                sentence: "The environment '\(place.key)' is being deleted by the command "
                    + "\(running.id.uuidString.lowercased()); wait for its end.",
                field: "environment"
            )
        }
        try act.change(
            place.id,
            // An older worker does not say that it has made one.
            """
            state = $4, reason_code = null, reason = null,
                was_made = was_made or state in ('active', 'disabled')
            """,
            [.text(next.rawValue)],
            in: transaction
        )
        let why = Reason(code: "environment_deleted", sentence: "The environment '\(place.key)' is being deleted.")
        for command in open { try act.end(command, by: .cancel, why, in: place, transaction: transaction) }
        var command = act.command(timeout: timeoutSeconds)
        command.environmentID = place.id
        command.generation = place.revision + 1
        command.cluster = place.cluster
        let post = try act.post(to: place.cluster, in: transaction)
        try act.accept(
            command,
            sending: post.namespaceRemovalRequested(command, namespace: place.namespace, now: act.now),
            in: transaction
        )
    }
}
