public import Postgres
import WorkerRuntime

/// The schema of the fleet: the runtime's tables, then the domain's.
public let fleetMigrations: [PostgresMigration] =
    runtimeMigrations + [
        PostgresMigration(
            name: "V1001_domain",
            sql: String(decoding: PackageResources.V1001_domain_sql, as: UTF8.self)
        )
    ]
