import Postgres
import WorkerRuntime

/// `slipway.autodeploy.update.v1`: which versions and branches a rule takes, and the values that it lays over them.
///
/// From then on the rule acts on behalf of who changed it: nobody can make it act with another's rights.
struct UpdateAutoDeploy: AutoDeployRequest {
    static let name = "autodeploy.update"

    let project: String
    let environment: String
    let instance: String
    let name: String?
    let versions: String?
    let branches: [String]?
    /// New values; an empty text takes them away.
    let values: String?

    var rows: RequestRows { RequestRows(projects: name == nil ? [] : [project]) }

    func check() throws(Reason) {
        try checkNames()
        try FieldRules.autoDeploy(name: name, versions: versions, branches: branches, values: values)
        try FieldRules.something(
            [name != nil, versions != nil, branches != nil, values != nil],
            of: "'name', 'versions', 'branches' or 'values'"
        )
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try place.requireConfigurable()
        let rule = try AutoDeployRow.find(instance, in: place, transaction)
        try AutoDeployRow.requireFree(name, project, except: rule.id, in: transaction)
        try transaction.submit(
            """
            update auto_deploy_rule set name = coalesce($2, name), versions = coalesce($3, versions),
                branches = coalesce($4, branches), "values" = nullif(coalesce($5, "values"), ''), creator = $6,
                revision = revision + 1
            where id = $1
            """,
            [
                .int64(rule.id), .optionalText(name), .optionalText(versions),
                branches.map { .array(.texts($0)) } ?? .null, .optionalText(values), .text(act.caller.authority),
            ]
        )
        try act.succeedAtOnce(in: transaction)
    }
}

/// `slipway.autodeploy.enable.v1`: the rule acts again, on new versions.
struct EnableAutoDeploy: AutoDeployRequest {
    static let name = "autodeploy.enable"

    let project: String
    let environment: String
    let instance: String

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try place.requireConfigurable()
        let rule = try AutoDeployRow.find(instance, in: place, transaction)
        guard !rule.isEnabled else {
            throw Reason(
                code: "auto_deploy_enabled",
                sentence: "The auto-deploy rule for the instance '\(instance)' is enabled already.",
                field: "instance"
            )
        }
        try rule.enable(true, in: transaction)
        try act.succeedAtOnce(in: transaction)
    }
}

/// `slipway.autodeploy.disable.v1`: the rule rests until it is enabled again.
struct DisableAutoDeploy: AutoDeployRequest {
    static let name = "autodeploy.disable"

    let project: String
    let environment: String
    let instance: String

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let rule = try AutoDeployRow.find(instance, in: place, transaction)
        guard rule.isEnabled else {
            throw Reason(
                code: "auto_deploy_disabled",
                sentence: "The auto-deploy rule for the instance '\(instance)' is disabled already.",
                field: "instance"
            )
        }
        try rule.enable(false, in: transaction)
        try act.succeedAtOnce(in: transaction)
    }
}

/// `slipway.autodeploy.delete.v1`: a rule that is disabled goes; what it deployed stays.
struct DeleteAutoDeploy: AutoDeployRequest {
    static let name = "autodeploy.delete"

    let project: String
    let environment: String
    let instance: String

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let rule = try AutoDeployRow.find(instance, in: place, transaction)
        guard !rule.isEnabled else {
            throw Reason(
                code: "auto_deploy_enabled",
                sentence: "The auto-deploy rule for the instance '\(instance)' is enabled; disable it first.",
                field: "instance"
            )
        }
        try transaction.submit("delete from auto_deploy_rule where id = $1", [.int64(rule.id)])
        try act.succeedAtOnce(in: transaction)
    }
}

extension AutoDeployRow {
    /// Switches the rule.
    func enable(_ isEnabled: Bool, in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit(
            "update auto_deploy_rule set enabled = $2, revision = revision + 1 where id = $1",
            [.int64(id), .bool(isEnabled)]
        )
    }
}
