import Postgres
import WorkerRuntime

/// Locks what the requests of a batch are about, before the first of them is decided.
///
/// Everybody locks in this order: clusters, environments, instances; and inside each by primary key, in one statement.
struct RequestLocks {
    private var clusters: Set<String> = []
    private var projects: [String] = []
    private var environments: [String] = []
    private var instances: [String?] = []

    init(_ batch: Batch<RequestInput>) {
        for entry in batch.entries {
            guard case .success(let body) = entry.input.body, let place = body.environment else { continue }
            if case .createEnvironment(let body) = body { clusters.insert(body.cluster) }
            projects.append(place.project)
            environments.append(place.environment)
            instances.append(body.subject.kind == "instance" ? body.subject.name : nil)
        }
    }

    func take(in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !projects.isEmpty else { return }
        if !clusters.isEmpty {
            _ = try transaction.query(
                "select 1 from cluster where cluster = any($1::text[]) order by cluster for no key update",
                [.array(.texts(clusters.sorted()))]
            )
        }
        let places: [PostgresValue] = [.array(.texts(projects)), .array(.texts(environments))]
        _ = try transaction.query(
            """
            select id from environment
            where (project, environment) in (select * from unnest($1::text[], $2::text[]))
            order by id for no key update
            """,
            places
        )
        _ = try transaction.query(
            """
            select i.id from instance i join environment e on e.id = i.environment_id
            where (e.project, e.environment, i.instance) in (select * from unnest($1::text[], $2::text[], $3::text[]))
            order by i.id for no key update of i
            """,
            places + [.array(.optionalTexts(instances))]
        )
    }
}
