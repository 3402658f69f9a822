import Postgres
import WorkerRuntime

/// Rules of fields that requests about auto-deploy rules share.
extension FieldRules {
    /// What a rule takes and lays over it, and what people call it.
    static func autoDeploy(name: String?, versions: String?, branches: [String]?, values: String?) throws(Reason) {
        if let name {
            let isPlain = !name.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
            guard isPlain, (1...50).contains(name.count), name.utf8.count <= 200 else {
                throw Reason(
                    code: "invalid_field",
                    sentence: "'name' should have 1 to 50 characters, on one line.",
                    field: "name"
                )
            }
        }
        _ = try VersionRange.parse(versions ?? "*")
        try BranchFilter.check(branches ?? [])
        if let values, !values.isEmpty { try ValuesYAML.check(values, field: "values") }
    }
}

/// A rule's row as requests need it; the environment's lock keeps it.
struct AutoDeployRow: Sendable, Hashable {
    let id: Int64
    let isEnabled: Bool

    /// Finds the rule of an instance.
    ///
    /// - Throws: A reason where there is none.
    static func find(
        _ instance: String,
        in environment: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws -> AutoDeployRow {
        let row = try transaction.query(
            "select id, enabled from auto_deploy_rule where environment_id = $1 and instance = $2",
            [.int64(environment.id), .text(instance)]
        ).first
        guard let row else {
            throw Reason(
                code: "unknown_auto_deploy",
                sentence: "The environment '\(environment.key)' has no auto-deploy rule for the instance "
                    + "'\(instance)'; create it first.",
                field: "instance"
            )
        }
        return AutoDeployRow(id: try row.int64(0), isEnabled: try row.bool(1))
    }

    /// Refuses a name that another rule of the project has; the project's row is locked.
    static func requireFree(
        _ name: String?,
        _ project: String,
        except rule: Int64?,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let name else { return }
        let taken = try transaction.query(
            """
            select 1 from auto_deploy_rule r join environment e on e.id = r.environment_id
            where e.project = $1 and r.name = $2 and r.id is distinct from $3
            """,
            [.text(project), .text(name), .optionalInt64(rule)]
        )
        guard taken.isEmpty else {
            throw Reason(
                code: "already_exists",
                sentence: "The project has an auto-deploy rule '\(name.prefix(80))' already.",
                field: "name"
            )
        }
    }
}
