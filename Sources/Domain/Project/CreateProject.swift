import Postgres
import WorkerRuntime

/// `slipway.project.create.v1`: a project, and who owns it.
struct CreateProject: RequestOperation {
    static let name = "project.create"
    static let access = Access.administrator

    let project: String
    let name: String?
    /// Who owns it, as tokens call them; the caller where none is named.
    let owners: [String]?

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("project", project) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.text(name, "name")
        for owner in owners ?? [] { try FieldRules.user(owner, "owners") }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let made = try transaction.query(
            "insert into project (project, name, created_at) values ($1, $2, $3) on conflict do nothing",
            [.text(project), .text(name ?? project), .timestamp(act.now)]
        )
        guard made.affected == 1 else { throw Reason.exists("project", project) }
        let owners = owners ?? []
        try transaction.submit(
            """
            insert into project_member (project, "user", role, added_at)
            select $1, "user", 'owner', $3 from unnest($2::text[]) "user" on conflict do nothing
            """,
            [
                .text(project), .array(.texts(owners.isEmpty ? [act.caller.authority] : owners)), .timestamp(act.now),
            ]
        )
        try act.succeedAtOnce(in: transaction)
    }
}
