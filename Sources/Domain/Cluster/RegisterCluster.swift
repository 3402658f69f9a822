import Postgres
import WorkerRuntime

/// `slipway.cluster.register.v1`: a name under which a cluster's agent may say hello, and who may use the cluster.
///
/// The agent's token is derived from the fleet's key; `slipway cluster-key` prints it, and no topic ever carries it.
struct RegisterCluster: RequestOperation {
    static let name = "cluster.register"
    static let access = Access.administrator

    let cluster: String
    let name: String?
    let description: String?
    let projects: [String]?
    let `public`: Bool?

    var place: RequestPlace { .cluster(cluster) }
    var subject: RequestSubject { RequestSubject("cluster", cluster) }
    var rows: RequestRows { RequestRows(clusters: [cluster]) }
    private var use: ClusterUse { ClusterUse(projects: projects, isPublic: `public`) }

    func check() throws(Reason) {
        try FieldRules.name(cluster, "cluster")
        try FieldRules.text(name, "name")
        try FieldRules.erasable(description, "description", limit: 500)
        try use.check()
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try use.requireProjects(in: transaction)
        // A name that comes again takes a new number of its key: the agent of the cluster that had it is locked out.
        let made = try transaction.query(
            """
            insert into cluster as c (cluster, name, description, is_public, created_at)
            values ($1, $2, nullif($3, ''), $4, $5)
            on conflict (cluster) do update
                set name = excluded.name, description = excluded.description, is_public = excluded.is_public,
                    deleted_at = null, uid = null, boot = null, sequence = 0, gaps = 0, last_seen = null,
                    account_complete_since = null, account_heard_at = null, account_epoch = null,
                    hello_refused_at = null,
                    status_partition = null, state = 'unknown', told_state = 'unknown', key_id = c.key_id + 1,
                    previous_key_id = null, previous_key_until = null, agent_key_id = null,
                    revision = c.revision + 1, created_at = excluded.created_at
                where c.deleted_at is not null
            """,
            [
                .text(cluster), .text(name ?? cluster), .optionalText(description), .bool(use.opens ?? true),
                .timestamp(act.now),
            ]
        )
        guard made.affected == 1 else { throw Reason.exists("cluster", cluster) }
        try use.write(of: cluster, in: transaction)
        try act.succeedAtOnce(in: transaction)
    }
}
