import Postgres
import WorkerRuntime

/// The groups of a project's environments, and the order in them; changed under the project's lock.
enum EnvironmentGroups {
    /// The row of a group; `nil` for an empty name, which is the default group.
    ///
    /// - Throws: A reason where the group does not exist.
    static func find(
        _ name: String,
        of project: String,
        field: String = "group",
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64? {
        guard !name.isEmpty else { return nil }
        let row = try transaction.query(
            "select id from environment_group where project = $1 and name = $2",
            [.text(project), .text(name)]
        ).first
        guard let row else {
            throw Reason(
                code: "unknown_environment_group",
                sentence: "The project has no group '\(name.prefix(80))'; create it first.",
                field: field
            )
        }
        return try row.int64(0)
    }

    /// SQL for the place behind the last environment of a group.
    static func last(_ group: String, of project: String) -> String {
        """
        coalesce((
            select max(other.position) from environment other
            where other.project = \(project) and other.group_id is not distinct from \(group)
                and other.state <> 'deleted'), 0) + 1
        """
    }

    /// The order of a group after one of its environments, or one that joins it, was moved; pure.
    ///
    /// - Parameter position: From 1; one behind the end means the end.
    static func moved(_ id: Int64, to position: Int, among order: [Int64]) -> [Int64] {
        var order = order.filter { $0 != id }
        order.insert(id, at: min(max(position, 1) - 1, order.count))
        return order
    }

    /// The environments of a group in their order; the rows are locked.
    static func members(
        of group: Int64?,
        project: String,
        in transaction: borrowing PostgresTransaction
    ) throws -> [Int64] {
        try transaction.query(
            """
            select id from environment
            where project = $1 and group_id is not distinct from $2 and state <> 'deleted' order by position, id
            """,
            [.text(project), .optionalInt64(group)]
        ).map { try $0.int64(0) }
    }

    /// Writes the order of a group, with those that join it, and publishes the environments that it changes.
    static func write(
        _ order: [Int64],
        to group: Int64?,
        _ act: RequestAct,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let changed = try transaction.query(
            """
            update environment e
            set position = wanted.position, group_id = $2, revision = revision + 1, changed_at = $3, changed_by = $4
            from unnest($1::bigint[]) with ordinality as wanted(id, position)
            where e.id = wanted.id
                and (e.position, coalesce(e.group_id, 0)) is distinct from (wanted.position::int, coalesce($2, 0))
            returning e.id
            """,
            [.array(.int64s(order)), .optionalInt64(group), .timestamp(act.now), .text(RequestDesk.worker)]
        ).map { try $0.int64(0) }
        try act.publish(changed.sorted(), in: transaction)
    }
}
