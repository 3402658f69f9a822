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
        let places: [PostgresValue] = [.array(.texts(projects)), .array(.texts(environments))]
        // An agent's hello changes its cluster's row and tells it the open commands: a command must be known to a hello
        // or be sent after its welcome. Making an environment counts as more than deploying to one.
        _ = try transaction.query(
            """
            select 1 from cluster
            where cluster = any($3::text[]) or cluster in (
                select e.cluster from environment e
                where (e.project, e.environment) in (select * from unnest($1::text[], $2::text[])))
            order by cluster \(clusters.isEmpty ? "for share" : "for no key update")
            """,
            places + [.array(.texts(clusters.sorted()))]
        )
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
