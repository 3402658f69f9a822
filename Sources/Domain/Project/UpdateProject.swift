import Postgres
import WorkerRuntime

/// `slipway.project.update.v1`: what people call a project.
struct UpdateProject: RequestOperation {
    static let name = "project.update"
    static let access = Access.owner

    let project: String
    let name: String?
    let description: String?

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("project", project) }
    var rows: RequestRows { RequestRows(projects: [project]) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.text(name, "name")
        try FieldRules.erasable(description, "description", limit: 500)
        try FieldRules.something([name != nil, description != nil], of: "'name' or 'description'")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        try transaction.submit(
            """
            update project set name = coalesce($2, name), description = nullif(coalesce($3, description), ''),
                revision = revision + 1
            where project = $1
            """,
            [.text(project), .optionalText(name), .optionalText(description)]
        )
        try act.succeedAtOnce(in: transaction)
    }
}
