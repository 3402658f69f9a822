import Postgres
import WorkerRuntime

/// `slipway.environment-group.create.v1`: a heading under which a project puts environments.
struct CreateEnvironmentGroup: RequestOperation {
    static let name = "environment-group.create"
    static let access = Access.owner

    let project: String
    let group: String

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("environment-group", group) }
    var rows: RequestRows { RequestRows(projects: [project]) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.group(group, "group")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let made = try transaction.query(
            """
            insert into environment_group (project, name, created_at) values ($1, $2, $3) on conflict do nothing
            """,
            [.text(project), .text(group), .timestamp(act.now)]
        )
        guard made.affected == 1 else { throw Reason.groupExists(group, "group") }
        try act.succeedAtOnce(in: transaction)
    }
}

/// `slipway.environment-group.rename.v1`: another heading; the environments under it are published with it.
struct RenameEnvironmentGroup: RequestOperation {
    static let name = "environment-group.rename"
    static let access = Access.owner

    let project: String
    let group: String
    let newName: String

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("environment-group", group) }
    var rows: RequestRows { RequestRows(projects: [project], isWholeProject: true) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.group(group, "group")
        try FieldRules.group(newName, "newName")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let id = try EnvironmentGroups.find(group, of: project, in: transaction)
        let taken = try transaction.query(
            "select 1 from environment_group where project = $1 and name = $2",
            [.text(project), .text(newName)]
        )
        guard taken.isEmpty else { throw Reason.groupExists(newName, "newName") }
        try transaction.submit(
            "update environment_group set name = $2 where id = $1",
            [.optionalInt64(id), .text(newName)]
        )
        let members = try EnvironmentGroups.members(of: id, project: project, in: transaction).sorted()
        for member in members { try act.change(member, "group_id = $4", [.optionalInt64(id)], in: transaction) }
        try act.succeedAtOnce(in: transaction)
    }
}

/// `slipway.environment-group.delete.v1`: the heading goes; its environments follow behind those of the default group.
struct DeleteEnvironmentGroup: RequestOperation {
    static let name = "environment-group.delete"
    static let access = Access.owner

    let project: String
    let group: String

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("environment-group", group) }
    var rows: RequestRows { RequestRows(projects: [project], isWholeProject: true) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.group(group, "group")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        let id = try EnvironmentGroups.find(group, of: project, in: transaction)
        let others = try EnvironmentGroups.members(of: nil, project: project, in: transaction)
        let members = try EnvironmentGroups.members(of: id, project: project, in: transaction)
        try EnvironmentGroups.write(others + members, to: nil, act, in: transaction)
        // Of those that are gone, too: nothing may point to the group.
        try transaction.submit("update environment set group_id = null where group_id = $1", [.optionalInt64(id)])
        try transaction.submit("delete from environment_group where id = $1", [.optionalInt64(id)])
        try act.succeedAtOnce(in: transaction)
    }
}

extension Reason {
    static func groupExists(_ name: String, _ field: String) -> Reason {
        Reason(code: "already_exists", sentence: "The project has a group '\(name.prefix(80))' already.", field: field)
    }
}
