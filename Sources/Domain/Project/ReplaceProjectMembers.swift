import Postgres
import WorkerRuntime

/// `slipway.project.members.v1`: who owns a project and who belongs to it, as a whole.
///
/// Who is in neither list any more also loses the environments that were assigned to them.
struct ReplaceProjectMembers: RequestOperation {
    static let name = "project.members"
    static let access = Access.owner

    let project: String
    let owners: [String]
    let members: [String]

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("project", project) }
    /// Assigning an environment must agree on who belongs to the project.
    var rows: RequestRows { RequestRows(projects: [project]) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.users(owners, "owners")
        try FieldRules.users(members, "members")
        guard !owners.isEmpty else {
            throw Reason(
                code: "no_owner",
                sentence: "'owners' is empty; a project keeps at least one owner.",
                field: "owners"
            )
        }
        if let both = Set(owners).intersection(members).min() {
            throw Reason(
                code: "invalid_field",
                sentence: "'\(both.prefix(80))' stands in 'owners' and in 'members'; name each user once.",
                field: "members"
            )
        }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let all = owners + members
        try transaction.submit(
            """
            delete from environment_member a using environment e
            where e.id = a.environment_id and e.project = $1 and a."user" <> all ($2::text[])
            """,
            [.text(project), .array(.texts(all))]
        )
        try transaction.submit(
            """
            delete from project_member where project = $1 and "user" <> all ($2::text[])
            """,
            [.text(project), .array(.texts(all))]
        )
        try transaction.submit(
            """
            insert into project_member (project, "user", role, added_at)
            select $1, "user", role, $4 from (
                select "user", 'owner' as role from unnest($2::text[]) "user"
                union select "user", 'member' from unnest($3::text[]) "user") wanted
            on conflict (project, "user") do update set role = excluded.role
            """,
            [.text(project), .array(.texts(owners)), .array(.texts(members)), .timestamp(act.now)]
        )
        try act.succeedAtOnce(in: transaction)
    }
}
