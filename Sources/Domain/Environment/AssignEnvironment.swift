import Postgres
import WorkerRuntime

/// `slipway.environment.assign.v1`: which members of the project may work in an environment.
///
/// The list replaces the one before. Owners may work in every environment and need not be named.
struct AssignEnvironment: EnvironmentRequest {
    static let name = "environment.assign"

    let project: String
    let environment: String
    let users: [String]?
    let openToMembers: Bool?

    /// Who belongs to the project must not change meanwhile.
    var rows: RequestRows { RequestRows(projects: [project]) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        if let users { try FieldRules.users(users, "users") }
        try FieldRules.something([users != nil, openToMembers != nil], of: "'users' or 'openToMembers'")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try place.requireConfigurable()
        if let users {
            try EnvironmentMembers.require(users, project, in: transaction)
            try EnvironmentMembers.replace(with: users, of: place.id, now: act.now, in: transaction)
        }
        try act.change(
            place.id,
            "open_to_members = coalesce($4, open_to_members)",
            [.optionalBool(openToMembers)],
            in: transaction
        )
        try act.succeedAtOnce(on: place, in: transaction)
    }
}

/// The members of a project to whom an environment is assigned; changed under the project's lock.
enum EnvironmentMembers {
    /// Refuses users who do not belong to the project.
    static func require(
        _ users: [String],
        _ project: String,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let known = try transaction.query(
            """
            select "user" from project_member where project = $1 and "user" = any($2)
            """,
            [.text(project), .array(.texts(users))]
        ).map { try $0.string(0) }
        if let stranger = Set(users).subtracting(known).min() {
            throw Reason(
                code: "not_a_member",
                sentence: "'\(stranger.prefix(80))' does not belong to the project '\(project)'; "
                    + "add them with 'project.members' first.",
                field: "users"
            )
        }
    }

    /// Replaces the list.
    static func replace(
        with users: [String],
        of environment: Int64,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit("delete from environment_member where environment_id = $1", [.int64(environment)])
        try transaction.submit(
            """
            insert into environment_member (environment_id, "user", added_at)
            select distinct $1::bigint, "user", $3::timestamptz from unnest($2::text[]) "user"
            """,
            [.int64(environment), .array(.texts(users)), .timestamp(now)]
        )
    }
}
