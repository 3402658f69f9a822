import Postgres
import WorkerRuntime

/// `slipway.application.create.v1`: what can be deployed, and which releases are its versions.
struct CreateApplication: RequestOperation {
    static let name = "application.create"
    static let access = Access.owner

    struct Chart: Codable, Sendable {
        let repository: String?
        let name: String
    }

    let project: String
    let application: String
    let artifact: String?
    let chart: Chart?

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("application", application) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.name(application, "application")
        try FieldRules.text(artifact, "artifact")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let made = try transaction.query(
            """
            insert into application (project, application, artifact, chart_repository, chart_name, created_at)
            values ($1, $2, $3, $4, $5, $6) on conflict do nothing
            """,
            [
                .text(project), .text(application), .text(artifact ?? application), .optionalText(chart?.repository),
                .optionalText(chart?.name), .timestamp(act.now),
            ]
        )
        guard made.affected == 1 else { throw Reason.exists("application", application) }
        try act.succeedAtOnce(in: transaction)
    }
}
