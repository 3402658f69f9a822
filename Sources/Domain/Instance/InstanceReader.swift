import Foundation
import Postgres
import WorkerRuntime

/// Reads what decisions about instances need beside the instance's row.
struct InstanceReader {
    let project: String

    /// A version of an application.
    ///
    /// - Parameter isDeployed: Whether the version is to be deployed anew, and not only what runs of it changed.
    /// - Throws: A reason where one of them does not exist or has nothing to run, or the application is disabled.
    func release(
        of application: String,
        _ version: String,
        isDeployed: Bool = true,
        in transaction: borrowing PostgresTransaction
    ) throws -> KnownRelease {
        let known = try transaction.query(
            """
            select artifact, chart_repository, chart_name, enabled from application
            where project = $1 and application = $2
            """,
            [.text(project), .text(application)]
        ).first
        guard let known else {
            throw Reason(
                code: "unknown_application",
                sentence: "The application '\(application)' does not exist in the project; create it first.",
                field: "application"
            )
        }
        guard try !isDeployed || known.bool(3) else {
            throw Reason(
                code: "application_disabled",
                sentence: "The application '\(application)' is disabled; enable it with application.update first.",
                field: "application"
            )
        }
        let (repository, chart) = (try known.optionalString(1), try known.optionalString(2))
        guard var found = try self.version(version, of: try known.string(0), in: transaction) else {
            throw Reason(
                code: "unknown_version",
                sentence: "No release of '\(application)' has the version '\(version.prefix(128))'; publish it first.",
                field: "version"
            )
        }
        if let name = found.chart?.name ?? chart {
            found.chart = ChartReference(
                repository: found.chart?.repository ?? repository,
                name: name,
                version: found.chart?.version
            )
        }
        guard found.image != nil || found.chart != nil else { throw Self.nothingToRun(application, version) }
        return found
    }

    private static func nothingToRun(_ application: String, _ version: String) -> Reason {
        Reason(
            code: "nothing_to_run",
            sentence: "Neither an image nor a chart of '\(application)' \(version.prefix(128)) is known; "
                + "publish an event of the version that names one, or name a chart with application.update.",
            field: "version"
        )
    }

    /// A version of an artifact; `nil` where no release told of it.
    private func version(
        _ version: String,
        of artifact: String,
        in transaction: borrowing PostgresTransaction
    ) throws -> KnownRelease? {
        let named = try row(version, of: artifact, in: transaction)
        guard artifact.contains("/"), named?.image == nil else { return named }
        // Workers that know no paths wrote its image under the short name only.
        let short = try row(version, of: Release.artifact(ofPath: artifact), in: transaction)
        guard let image = short?.image, RepositoryPath.isSame(RepositoryPath.of(image: image), artifact) else {
            return named
        }
        return short
    }

    private func row(
        _ version: String,
        of artifact: String,
        in transaction: borrowing PostgresTransaction
    ) throws -> KnownRelease? {
        let row = try transaction.query(
            """
            select nullif(image, ''), chart_repository, chart_name, chart_version, "values", version from version
            where artifact = $1 and number = version_number($2)
            """,
            [.text(artifact), .text(version)]
        ).first
        guard let row else { return nil }
        let repository = try row.optionalString(1)
        let chartVersion = try row.optionalString(3)
        return KnownRelease(
            version: try row.string(5),
            image: try row.optionalString(0),
            chart: try row.optionalString(2).map {
                ChartReference(repository: repository, name: $0, version: chartVersion)
            },
            values: try row.optionalString(4)
        )
    }

    /// The objects of an instance that the cluster was seen to have, as `Kind/name`; workloads only, or all.
    func objects(
        of instance: Int64,
        onlyWorkloads: Bool = false,
        in transaction: borrowing PostgresTransaction
    ) throws -> [String] {
        try transaction.query(
            """
            select r.kind || '/' || r.name from resource r
            join instance i on i.cluster = r.cluster and i.namespace = r.namespace and i.instance = r.instance
            where i.id = $1 and not r.gone and (not $2 or r.kind in ('Deployment', 'StatefulSet'))
            order by 1 limit 200
            """,
            [.int64(instance), .bool(onlyWorkloads)]
        ).map { try $0.string(0) }
    }

    /// Whether the agent of a cluster is connected.
    func isConnected(_ cluster: String, in transaction: borrowing PostgresTransaction) throws -> Bool {
        try transaction.query("select state = 'connected' from cluster where cluster = $1", [.text(cluster)])
            .first?.bool(0) ?? false
    }
}
