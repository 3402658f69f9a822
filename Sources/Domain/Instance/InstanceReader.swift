import Foundation
import Postgres
import WorkerRuntime

/// Reads what decisions about instances need beside the instance's row.
struct InstanceReader {
    let project: String

    /// A version of an application.
    ///
    /// - Parameter isDeployed: Whether the version is to be deployed anew, and not only what runs of it changed.
    /// - Throws: A reason where one of them does not exist, or the application is disabled.
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
        let row = try transaction.query(
            """
            select nullif(image, ''), chart_repository, chart_name, chart_version, "values", version from version
            where artifact = $1 and number = version_number($2)
            """,
            [.text(try known.string(0)), .text(version)]
        ).first
        guard let row else {
            throw Reason(
                code: "unknown_version",
                sentence: "No release of '\(application)' has the version '\(version.prefix(128))'; publish it first.",
                field: "version"
            )
        }
        let name = try row.optionalString(2) ?? chart
        let from = try row.optionalString(1) ?? repository
        let chartVersion = try row.optionalString(3)
        return KnownRelease(
            version: try row.string(5),
            image: try row.optionalString(0),
            chart: name.map { ChartReference(repository: from, name: $0, version: chartVersion) },
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
