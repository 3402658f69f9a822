public import Postgres
import WorkerRuntime

/// The schema of the fleet: the runtime's tables, then the domain's.
public let fleetMigrations: [PostgresMigration] =
    runtimeMigrations
    + [
        ("V1001_domain", PackageResources.V1001_domain_sql),
        ("V1002_permission", PackageResources.V1002_permission_sql),
        ("V1003_object", PackageResources.V1003_object_sql),
        ("V1004_audit", PackageResources.V1004_audit_sql),
        ("V1005_deployment", PackageResources.V1005_deployment_sql),
        ("V1006_environment", PackageResources.V1006_environment_sql),
        ("V1008_views", PackageResources.V1008_views_sql),
    ].map { PostgresMigration(name: $0.0, sql: String(decoding: $0.1, as: UTF8.self)) }
