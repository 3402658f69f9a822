public import Postgres

/// The runtime's tables, in order.
public let runtimeMigrations: [PostgresMigration] = [
    PostgresMigration(name: "V0001_runtime", sql: String(decoding: PackageResources.V0001_runtime_sql, as: UTF8.self)),
    PostgresMigration(
        name: "V1016_suspects",
        sql: String(decoding: PackageResources.V1016_suspects_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1024_database_identity",
        sql: String(decoding: PackageResources.V1024_database_identity_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1026_unread_partitions",
        sql: String(decoding: PackageResources.V1026_unread_partitions_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1032_fence_by_key",
        sql: String(decoding: PackageResources.V1032_fence_by_key_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1035_replayed_dead_letters",
        sql: String(decoding: PackageResources.V1035_replayed_dead_letters_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1036_worker_clocks",
        sql: String(decoding: PackageResources.V1036_worker_clocks_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1038_recovered_at",
        sql: String(decoding: PackageResources.V1038_recovered_at_sql, as: UTF8.self),
        isExpansion: true
    ),
    PostgresMigration(
        name: "V1040_failed_transactions",
        sql: String(decoding: PackageResources.V1040_failed_transactions_sql, as: UTF8.self),
        isExpansion: true
    ),
]
