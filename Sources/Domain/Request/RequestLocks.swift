import Postgres
import WorkerRuntime

/// Locks what the requests of a batch are about, before the first of them is decided.
///
/// Everybody locks in this order: projects, clusters, environments, instances, objects; and inside each by primary key,
/// in one statement.
struct RequestLocks {
    private var projects: Set<String> = []
    private var clusters: Set<String> = []
    private var environments = Places()
    private var wholeEnvironments = Places()
    private var wholeProjects: Set<String> = []
    private var instances = Places()
    private var objects = Places()

    /// Rows named by project, environment and what they are called in it.
    private struct Places {
        var projects: [String] = []
        var environments: [String] = []
        var kinds: [String] = []
        var names: [String] = []

        mutating func add(_ project: String, _ environment: String, kind: String = "", name: String = "") {
            projects.append(project)
            environments.append(environment)
            kinds.append(kind)
            names.append(name)
        }

        var values: [PostgresValue] { [.array(.texts(projects)), .array(.texts(environments))] }
    }

    init(_ batch: Batch<RequestInput>) {
        for entry in batch.entries {
            guard case .success(let body) = entry.input.body else { continue }
            let rows = body.rows
            projects.formUnion(rows.projects)
            clusters.formUnion(rows.clusters)
            if rows.isWholeProject, let project = body.place.project { wholeProjects.insert(project) }
            guard case .environment(let project, let environment) = body.place else { continue }
            environments.add(project, environment)
            if rows.isWholeEnvironment { wholeEnvironments.add(project, environment) }
            for name in rows.instances { instances.add(project, environment, name: name) }
            for object in rows.objects { objects.add(project, environment, kind: object.kind, name: object.name) }
        }
    }

    func take(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        try lockProjects(in: transaction)
        guard !environments.projects.isEmpty || !clusters.isEmpty || !wholeProjects.isEmpty else { return }
        try lockClusters(in: transaction)
        try transaction.submit(
            """
            select id from environment
            where (project, environment) in (select * from unnest($1::text[], $2::text[])) or project = any($3)
            order by id for no key update
            """,
            environments.values + [.array(.texts(wholeProjects.sorted()))]
        )
        try lockInstances(in: transaction)
        try lockObjects(in: transaction)
    }

    private func lockProjects(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !projects.isEmpty else { return }
        try transaction.submit(
            "select 1 from project where project = any($1) order by project for no key update",
            [.array(.texts(projects.sorted()))]
        )
    }

    /// Keeps hellos out meanwhile.
    ///
    /// An agent's hello changes its cluster's row and tells it the open commands: a command must be known to a hello
    /// or be sent after its welcome. Making an environment counts as more than deploying to one.
    private func lockClusters(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        try transaction.submit(
            """
            select 1 from cluster
            where cluster = any($3::text[]) or cluster in (
                select e.cluster from environment e
                where (e.project, e.environment) in (select * from unnest($1::text[], $2::text[])))
            order by cluster \(clusters.isEmpty ? "for share" : "for no key update")
            """,
            environments.values + [.array(.texts(clusters.sorted()))]
        )
    }

    private func lockInstances(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !instances.names.isEmpty || !wholeEnvironments.projects.isEmpty else { return }
        try transaction.submit(
            """
            select i.id from instance i join environment e on e.id = i.environment_id
            where (e.project, e.environment, i.instance) in (select * from unnest($1::text[], $2::text[], $3::text[]))
                or (e.project, e.environment) in (select * from unnest($4::text[], $5::text[]))
            order by i.id for no key update of i
            """,
            instances.values + [.array(.texts(instances.names))] + wholeEnvironments.values
        )
    }

    private func lockObjects(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !objects.names.isEmpty || !wholeEnvironments.projects.isEmpty else { return }
        try transaction.submit(
            """
            select o.id from environment_object o join environment e on e.id = o.environment_id
            where (e.project, e.environment, o.kind, o.name) in (
                    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]))
                or (e.project, e.environment) in (select * from unnest($5::text[], $6::text[]))
            order by o.id for no key update of o
            """,
            objects.values + [.array(.texts(objects.kinds)), .array(.texts(objects.names))] + wholeEnvironments.values
        )
    }
}
