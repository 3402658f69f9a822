import Postgres
import WorkerRuntime

/// Reads what callers are, at the moment of handling.
public struct Permissions: Sendable {
    /// The subjects that run the platform.
    public let administrators: Set<String>

    /// Makes it.
    public init(administrators: Set<String>) {
        self.administrators = administrators
    }

    /// What somebody is at a place, as of this transaction.
    func standing(
        of user: String,
        at place: RequestPlace,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Standing {
        // Byte by byte, as the database compares: a name that only looks the same is somebody else's.
        let isAdministrator = administrators.contains { $0.utf8.elementsEqual(user.utf8) }
        var standing = Standing(isAdministrator: isAdministrator)
        guard let project = place.project else { return standing }
        let row = try transaction.query(
            """
            select
                exists (select from project_member where project = $1 and "user" = $3 and role = 'owner'),
                exists (
                    select from environment e join project_member m on m.project = e.project and m."user" = $3
                    where e.project = $1 and e.environment = $2 and e.state <> 'deleted'
                        and (e.open_to_members or exists (
                            select from environment_member a where a.environment_id = e.id and a."user" = $3)))
            """,
            [.text(project), .optionalText(place.environment), .text(user)]
        ).only()
        standing.isOwner = try row.bool(0)
        standing.isAssigned = try row.bool(1)
        return standing
    }

    /// Refuses who may not.
    func require(
        _ access: Access,
        of caller: Caller,
        for operation: String,
        at place: RequestPlace,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard try standing(of: caller.authority, at: place, in: transaction).allows(access) else {
            throw Reason.notPermitted(caller.authority, operation, at: place, needs: access)
        }
    }
}
