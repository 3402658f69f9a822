import Postgres
import WorkerRuntime

/// `slipway.cluster.update.v1`: what people call a cluster, and which projects may make environments in it.
///
/// Environments that a project already has there stay.
struct UpdateCluster: RequestOperation {
    static let name = "cluster.update"
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
        try FieldRules.something(
            [name != nil, description != nil, use.opens != nil],
            of: "'name', 'description', 'projects' or 'public'"
        )
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try use.requireProjects(in: transaction)
        let changed = try transaction.query(
            """
            update cluster set name = coalesce($2, name), description = nullif(coalesce($3, description), ''),
                is_public = coalesce($4, is_public), revision = revision + 1
            where cluster = $1 and deleted_at is null
            """,
            [.text(cluster), .optionalText(name), .optionalText(description), .optionalBool(use.opens)]
        )
        guard changed.affected == 1 else { throw Reason.unknown("cluster", cluster) }
        try use.write(of: cluster, in: transaction)
        try act.succeedAtOnce(in: transaction)
    }
}
