import Postgres
import WorkerRuntime

/// `slipway.application.delete.v1`: an application that nothing runs, no rule deploys and no network leads to any more; its
/// versions stay known by their artifact.
struct DeleteApplication: RequestOperation {
    static let name = "application.delete"
    static let access = Access.owner

    let project: String
    let application: String

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("application", application) }
    /// Deployments of the project wait, so that none begins with what is being deleted.
    var rows: RequestRows { RequestRows(projects: [project], isWholeProject: true) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.name(application, "application")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let users = try transaction.query(
            """
            select 'instance ' || e.environment || '/' || i.instance
            from instance i join environment e on e.id = i.environment_id
            where e.project = $1 and i.application = $2 and i.state <> 'deleted'
            union all
            select 'auto-deploy rule of ' || e.environment || '/' || r.instance
            from auto_deploy_rule r join environment e on e.id = r.environment_id
            where e.project = $1 and r.application = $2
            union all
            select 'network ' || e.environment || '/' || o.name
            from environment_object o join environment e on e.id = o.environment_id
            where e.project = $1 and o.kind = 'network' and o.state <> 'deleted'
                and $2 in (o.spec #>> '{target,application}', o.running_spec #>> '{target,application}')
            order by 1 limit 4
            """,
            [.text(project), .text(application)]
        ).map { try $0.string(0) }
        guard users.isEmpty else {
            throw Reason(
                code: "application_in_use",
                sentence: "The application '\(application)' is in use: \(users.listed()); delete them first.",
                field: "application"
            )
        }
        let gone = try transaction.query(
            "delete from application where project = $1 and application = $2",
            [.text(project), .text(application)]
        )
        guard gone.affected == 1 else { throw Reason.unknown("application", application) }
        try act.succeedAtOnce(in: transaction)
    }
}
