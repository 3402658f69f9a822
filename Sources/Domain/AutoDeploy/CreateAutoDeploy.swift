import Postgres
import WorkerRuntime

/// `slipway.autodeploy.create.v1`: a rule that deploys new versions of an application by itself.
struct CreateAutoDeploy: AutoDeployRequest {
    static let name = "autodeploy.create"

    let project: String
    let environment: String
    let application: String
    let instance: String
    /// What people call it; unique in the project.
    let name: String?
    let versions: String?
    let branches: [String]?
    let values: String?

    var rows: RequestRows { RequestRows(projects: name == nil ? [] : [project]) }

    func check() throws(Reason) {
        try checkNames()
        try FieldRules.name(application, "application")
        try FieldRules.autoDeploy(name: name, versions: versions, branches: branches, values: values)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try place.requireConfigurable()
        let known = try transaction.query(
            "select 1 from application where project = $1 and application = $2",
            [.text(project), .text(application)]
        )
        guard known.count == 1 else { throw Reason.unknown("application", application) }
        try AutoDeployRow.requireFree(name, project, except: nil, in: transaction)
        let made = try transaction.query(
            """
            insert into auto_deploy_rule
                (environment_id, application, instance, versions, "values", creator, created_at, branches, name)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (environment_id, instance) do nothing
            """,
            [
                .int64(place.id), .text(application), .text(instance), .text(versions ?? "*"), .optionalText(values),
                .text(act.caller.authority), .timestamp(act.now), .array(.texts(branches ?? [])), .optionalText(name),
            ]
        )
        guard made.affected == 1 else { throw Reason.exists("auto-deploy rule for the instance", instance) }
        try act.succeedAtOnce(in: transaction)
    }
}
