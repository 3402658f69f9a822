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
            where id = any(array(
                select e.id from unnest($1::text[], $2::text[]) as wanted(project, environment)
                \(Self.wantedEnvironment)
                union select e.id from environment e where e.project = any($3)))
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
            where cluster = any(array(
                select e.cluster from unnest($1::text[], $2::text[]) as wanted(project, environment)
                \(Self.wantedEnvironment)
                union select unnest($3::text[])))
            order by cluster \(clusters.isEmpty ? "for share" : "for no key update")
            """,
            environments.values + [.array(.texts(clusters.sorted()))]
        )
    }

    /// The environment of each wanted row, found by its key: a join would be planned for as many as there are, and while there
    /// are few the server would plan to read all, and go on so when there are many.
    private static let wantedEnvironment = """
        cross join lateral (
            select id, cluster from environment
            where project = wanted.project and environment = wanted.environment limit 1) e
        """

    /// Reaches instances by keys alone, as ``lockObjects(in:)`` does objects.
    ///
    /// What is to be locked is an array before it is looked up, and who asks for no whole environment does not have the
    /// server prepare for one: with `or`, or with a join, it would look at all that there are.
    private func lockInstances(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !instances.names.isEmpty || !wholeEnvironments.projects.isEmpty else { return }
        let whole = """
            union
            select i.id from unnest($4::text[], $5::text[]) as whole(project, environment)
            join environment e on e.project = whole.project and e.environment = whole.environment
            join instance i on i.environment_id = e.id
            """
        try transaction.submit(
            """
            select id from instance
            where id = any(array(
                select i.id from unnest($1::text[], $2::text[], $3::text[]) as wanted(project, environment, instance)
                \(Self.wantedEnvironment)
                cross join lateral (
                    select id from instance where environment_id = e.id and instance = wanted.instance limit 1) i
                \(wholeEnvironments.projects.isEmpty ? "" : whole)))
            order by id for no key update
            """,
            instances.values + [.array(.texts(instances.names))] + valuesOfWholeEnvironments
        )
    }

    private func lockObjects(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !objects.names.isEmpty || !wholeEnvironments.projects.isEmpty else { return }
        let whole = """
            union
            select o.id from unnest($5::text[], $6::text[]) as whole(project, environment)
            join environment e on e.project = whole.project and e.environment = whole.environment
            join environment_object o on o.environment_id = e.id
            """
        try transaction.submit(
            """
            select id from environment_object
            where id = any(array(
                select o.id
                from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as wanted(project, environment, kind, name)
                \(Self.wantedEnvironment)
                cross join lateral (
                    select id from environment_object
                    where environment_id = e.id and kind = wanted.kind and name = wanted.name limit 1) o
                \(wholeEnvironments.projects.isEmpty ? "" : whole)))
            order by id for no key update
            """,
            objects.values + [.array(.texts(objects.kinds)), .array(.texts(objects.names))] + valuesOfWholeEnvironments
        )
    }

    private var valuesOfWholeEnvironments: [PostgresValue] {
        wholeEnvironments.projects.isEmpty ? [] : wholeEnvironments.values
    }
}
