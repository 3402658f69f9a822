public import Postgres
import WorkerRuntime

/// The schema of the fleet, in the order of the names: what was added later has a higher number, whosever it is.
///
/// A step that was released is never changed. While workers of two versions run, steps are expansions
/// (`PostgresMigration.isExpansion`): the next version but one may take away what nobody needs any more.
public let fleetMigrations: [PostgresMigration] =
    (runtimeMigrations
    + [
        step("V1001_domain", PackageResources.V1001_domain_sql),
        step("V1002_permission", PackageResources.V1002_permission_sql),
        step("V1003_object", PackageResources.V1003_object_sql),
        step("V1004_audit", PackageResources.V1004_audit_sql),
        step("V1005_deployment", PackageResources.V1005_deployment_sql),
        step("V1006_environment", PackageResources.V1006_environment_sql),
        step("V1008_views", PackageResources.V1008_views_sql),
        step("V1009_ledger_retention", PackageResources.V1009_ledger_retention_sql, isExpansion: true),
        step("V1010_ledger_bound", PackageResources.V1010_ledger_bound_sql, isExpansion: true),
        step("V1011_ledger_bound_checked", PackageResources.V1011_ledger_bound_checked_sql, isExpansion: true),
        step("V1012_ledger_partitions", PackageResources.V1012_ledger_partitions_sql, isExpansion: true),
        step("V1014_instance_life", PackageResources.V1014_instance_life_sql, isExpansion: true),
        step("V1015_forced_deletion", PackageResources.V1015_forced_deletion_sql, isExpansion: true),
        step("V1018_objects", PackageResources.V1018_objects_sql, isExpansion: true),
        step("V1019_environment_made", PackageResources.V1019_environment_made_sql, isExpansion: true),
        step("V1020_stream_partition", PackageResources.V1020_stream_partition_sql, isExpansion: true),
        step("V1022_environment_places", PackageResources.V1022_environment_places_sql, isExpansion: true),
        step("V1023_environment_place", PackageResources.V1023_environment_place_sql, isExpansion: true),
        step("V1025_forgotten_resources", PackageResources.V1025_forgotten_resources_sql, isExpansion: true),
        step("V1028_months_by_turns", PackageResources.V1028_months_by_turns_sql, isExpansion: true),
        step("V1030_apart", PackageResources.V1030_apart_sql, isExpansion: true),
        step("V1031_agent_account", PackageResources.V1031_agent_account_sql, isExpansion: true),
        step("V1033_version_rank", PackageResources.V1033_version_rank_sql, isExpansion: true),
        step("V1034_version_views", PackageResources.V1034_version_views_sql, isExpansion: true),
        step("V1037_agent_clocks", PackageResources.V1037_agent_clocks_sql, isExpansion: true),
        step("V1039_refused_hello", PackageResources.V1039_refused_hello_sql, isExpansion: true),
        step("V1050_placed_keys", PackageResources.V1050_placed_keys_sql, isExpansion: true),
        step("V1051_newest_releases", PackageResources.V1051_newest_releases_sql, isExpansion: true),
        step("V1052_rules_by_application", PackageResources.V1052_rules_by_application_sql, isExpansion: true),
        step("V1053_commands_in_order", PackageResources.V1053_commands_in_order_sql, isExpansion: true),
        step("V1054_command_object", PackageResources.V1054_command_object_sql, isExpansion: true),
        step("V1055_drifted_instances", PackageResources.V1055_drifted_instances_sql, isExpansion: true),
        step("V1056_drifted_objects", PackageResources.V1056_drifted_objects_sql, isExpansion: true),
        step("V1057_object_claims", PackageResources.V1057_object_claims_sql, isExpansion: true),
        step("V1060_tracestate", PackageResources.V1060_tracestate_sql, isExpansion: true),
        step("V1061_command_key", PackageResources.V1061_command_key_sql, isExpansion: true),
    ]).sorted { $0.name < $1.name }

private func step(_ name: String, _ sql: [UInt8], isExpansion: Bool = false) -> PostgresMigration {
    PostgresMigration(name: name, sql: String(decoding: sql, as: UTF8.self), isExpansion: isExpansion)
}
