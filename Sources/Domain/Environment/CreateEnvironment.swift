import Postgres
import WorkerRuntime

/// `slipway.environment.create.v1`: a place to deploy to, one namespace of a cluster.
struct CreateEnvironment: RequestOperation {
    static let name = "environment.create"
    static let access = Access.owner

    let project: String
    let environment: String
    let cluster: String
    let namespace: String?

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("environment", environment) }
    /// A hello must know the command, or the command be sent after the welcome.
    var rows: RequestRows { RequestRows(clusters: [cluster]) }

    private var namespaceName: String { namespace ?? "\(project)-\(environment)" }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.name(cluster, "cluster")
        try FieldRules.name(namespaceName, "namespace")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let post = try act.post(to: cluster, in: transaction)
        guard let made = try makeRow(now: act.now, in: transaction) else {
            throw Reason(
                code: "already_exists",
                sentence: "The environment '\(environment)' exists in the project already, "
                    + "or its namespace '\(namespaceName)' is taken in the cluster.",
                field: "environment"
            )
        }
        var command = act.command()
        command.environmentID = made.id
        command.generation = made.revision
        command.cluster = cluster
        try act.accept(
            command,
            sending: post.namespaceRequested(command, namespace: namespaceName, now: act.now),
            in: transaction
        )
        try EnvironmentProgress(worker: RequestDesk.worker).publish(made.id, outbox: act.outbox, in: transaction)
    }

    /// Makes the row, or takes the one of an environment that could not be made or is gone.
    ///
    /// The revision is the generation of the command: an agent drops what is not newer than what was taken back.
    private func makeRow(now: Int64, in transaction: borrowing PostgresTransaction) throws
        -> (id: Int64, revision: Int64)?
    {
        try transaction.query(
            """
            insert into environment as e (project, environment, cluster, namespace, state, created_at, changed_at,
                changed_by)
            select $1, $2, $3, $4, 'creating', $5, $5, $6
            where not exists (
                select from environment
                where cluster = $3 and namespace = $4 and state <> 'deleted' and (project, environment) <> ($1, $2))
            on conflict (project, environment) do update
                set cluster = excluded.cluster, namespace = excluded.namespace, state = 'creating', reason_code = null,
                    reason = null, revision = e.revision + 1, changed_at = excluded.changed_at,
                    changed_by = excluded.changed_by
                where e.state in ('failed', 'deleted')
            returning id, revision
            """,
            [
                .text(project), .text(environment), .text(cluster), .text(namespaceName), .timestamp(now),
                .text(RequestDesk.worker),
            ]
        ).first.map { (try $0.int64(0), try $0.int64(1)) }
    }
}
