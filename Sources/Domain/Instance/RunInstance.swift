import Postgres
import WorkerRuntime

/// `slipway.instance.redeploy.v1`: the same version and values once more, with new pods.
struct RedeployInstance: InstanceRequest {
    static let operation = InstanceOperation.redeploy

    let project: String
    let environment: String
    let instance: String
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        var next = try context.base()
        next.restart = context.nonce
        return next
    }
}

/// `slipway.instance.restart.v1`: new pods.
struct RestartInstance: InstanceRequest {
    static let operation = InstanceOperation.restart

    let project: String
    let environment: String
    let instance: String
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        var next = try context.base()
        next.restart = context.nonce
        return next
    }
}

/// `slipway.instance.stop.v1`: no pods, until it is started again.
struct StopInstance: InstanceRequest {
    static let operation = InstanceOperation.stop

    let project: String
    let environment: String
    let instance: String
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        var next = try context.base()
        next.isStopped = true
        return next
    }
}

/// `slipway.instance.start.v1`: as many pods as before it was stopped.
struct StartInstance: InstanceRequest {
    static let operation = InstanceOperation.start

    let project: String
    let environment: String
    let instance: String
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        var next = try context.base()
        next.isStopped = false
        return next
    }
}

/// `slipway.instance.delete.v1`: nothing of it any more.
///
/// `force` is for a cluster whose agent is away: the instance is deleted here at once, and its objects go when, and if,
/// the agent returns: it is told of them at each hello until it has said that it removed them.
struct DeleteInstance: InstanceRequest {
    static let operation = InstanceOperation.delete
    /// The code of a success that the agent still has to carry out; an index of commands names it, too.
    static let notRemoved = "not_removed_from_cluster"

    let project: String
    let environment: String
    let instance: String
    let force: Bool?
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        let cluster = context.environment.cluster
        guard force == true, try context.reader.isConnected(cluster, in: transaction) else { return nil }
        throw Reason(
            code: "agent_connected",
            sentence: "The agent of cluster '\(cluster)' is connected and can remove the instance; "
                + "delete it without 'force'.",
            field: "force"
        )
    }
}
