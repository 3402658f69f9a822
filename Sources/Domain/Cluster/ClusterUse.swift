import Postgres
import WorkerRuntime

/// Which projects may make environments in a cluster, as a request says it.
struct ClusterUse: Sendable, Hashable {
    let projects: [String]?
    let isPublic: Bool?

    /// Whether everybody may; `nil` where the request does not say.
    var opens: Bool? { isPublic ?? projects.map { _ in false } }

    func check() throws(Reason) {
        for project in projects ?? [] { try FieldRules.name(project, "projects") }
        guard isPublic != true || (projects ?? []).isEmpty else {
            throw Reason(
                code: "invalid_field",
                sentence: "'public' is true, so every project may use the cluster; leave 'projects' out.",
                field: "projects"
            )
        }
    }

    /// Refuses projects that do not exist.
    func requireProjects(in transaction: borrowing PostgresTransaction) throws {
        guard let projects, !projects.isEmpty else { return }
        let known = try transaction.query(
            "select project from project where project = any($1)",
            [.array(.texts(projects))]
        ).map { try $0.string(0) }
        if let missing = Set(projects).subtracting(known).min() {
            throw Reason(
                code: "unknown_project",
                sentence: "The project '\(missing)' does not exist; create it first.",
                field: "projects"
            )
        }
    }

    /// Writes which projects may use the cluster, whose row is locked.
    ///
    /// They stay as they are where they are not named, unless everybody may use it from now on.
    func write(of cluster: String, in transaction: borrowing PostgresTransaction) throws {
        guard projects != nil || isPublic == true else { return }
        try transaction.submit("delete from cluster_project where cluster = $1", [.text(cluster)])
        try transaction.submit(
            """
            insert into cluster_project (cluster, project) select $1, p from unnest($2::text[]) p
            on conflict do nothing
            """,
            [.text(cluster), .array(.texts(projects ?? []))]
        )
    }
}

extension RequestAct {
    /// Refuses a cluster that does not exist, that the project may not use, or that cannot be told anything yet.
    func requireUsable(cluster: String, by project: String, in transaction: borrowing PostgresTransaction) throws {
        let row = try transaction.query(
            """
            select is_public or exists (select from cluster_project p where p.cluster = c.cluster and p.project = $2)
            from cluster c where c.cluster = $1 and c.deleted_at is null
            """,
            [.text(cluster), .text(project)]
        ).first
        guard let row else { throw Reason.unknown("cluster", cluster) }
        guard try row.bool(0) else {
            throw Reason(
                code: "cluster_not_permitted",
                sentence: "The project '\(project)' may not use the cluster '\(cluster)'; "
                    + "ask whoever runs the platform to add it.",
                field: "cluster"
            )
        }
        let topic = "agent.commands.\(cluster)"
        guard desk.topics.has(topic) else {
            throw Reason(
                code: "cluster_not_ready",
                sentence: "The topic '\(topic)', by which the cluster's agent is told what to do, does not exist yet; "
                    + "make it with 'slipway topics apply --cluster \(cluster)'.",
                field: "cluster"
            )
        }
    }
}
