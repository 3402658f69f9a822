import Foundation
import Postgres
import WorkerRuntime

/// `slipway.environment.delete.v1`: the namespace and everything in it goes.
///
/// Nothing is forgotten before the agent has said that the namespace is gone: until then the environment is
/// `deleting`, and one whose deletion failed can be deleted again. See ``EnvironmentRemoval`` for the end.
///
/// With `force` nobody waits for an agent that is away: the environment is deleted here at once, and its namespace goes
/// when, and if, the agent returns: it is told of it at each hello until it has said that it removed it.
struct DeleteEnvironment: EnvironmentRequest {
    static let name = "environment.delete"

    let project: String
    let environment: String
    /// Whether to take down what runs in it, and not to wait for an agent that is away.
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
        let isConnected = try InstanceReader(project: project).isConnected(place.cluster, in: transaction)
        let isAbandoned = force == true && !isConnected
        let open = try act.openCommands(in: place.id, transaction)
        if !isAbandoned { try requireNoDeletion(of: place, among: open) }
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
        let command = try act.command(
            on: place.id,
            cluster: place.cluster,
            namespace: place.namespace,
            generation: place.revision + 1,
            timeout: timeoutSeconds,
            in: transaction
        )
        let post = try act.post(to: place.cluster, in: transaction)
        let message = post.namespaceRemovalRequested(command, namespace: place.namespace, now: act.now)
        let sent = try act.accept(command, sending: message, in: transaction)
        if isAbandoned { try abandon(sent, place, act, in: transaction) }
    }

    /// Refuses to begin anew what is under way.
    private func requireNoDeletion(of place: EnvironmentRow, among open: [Command]) throws(Reason) {
        guard place.state == .deleting, let running = open.first(where: { $0.operation == Self.name }) else { return }
        throw Reason(
            code: "deletion_under_way",
            sentence: "The environment '\(place.key)' is being deleted by the command "
                + "\(running.id.uuidString.lowercased()); wait for its end.",
            field: "environment"
        )
    }

    /// Lets the deletion count at once; the agent removes the namespace if it comes back.
    private func abandon(
        _ command: Command,
        _ place: EnvironmentRow,
        _ act: RequestAct,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let reason = Reason(
            code: DeleteInstance.notRemoved,
            sentence: "The agent of cluster '\(place.cluster)' is away: the environment is deleted here, and its "
                + "namespace '\(place.namespace)' stays in the cluster until the agent returns and removes it."
        )
        try act.complete(command, reason, in: transaction)
    }
}
