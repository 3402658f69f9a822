import Postgres
import WorkerRuntime

/// `slipway.environment.move.v1`: another place in the group, or in another group.
struct MoveEnvironment: EnvironmentRequest {
    static let name = "environment.move"

    let project: String
    let environment: String
    /// The group to move to; the present one where none is named, the default group where it is empty.
    let group: String?
    /// The place in the group, from 1; one behind the end means the end.
    let position: Int

    /// Moving one moves others.
    var rows: RequestRows { RequestRows(projects: [project], isWholeProject: true) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        if let group, !group.isEmpty { try FieldRules.group(group, "group") }
        guard (1...100_000).contains(position) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'position' is \(position); it should be from 1 to 100000.",
                field: "position"
            )
        }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try place.requireConfigurable()
        let target: Int64?
        if let group {
            target = try EnvironmentGroups.find(group, of: project, in: transaction)
        } else {
            target = try transaction.query("select group_id from environment where id = $1", [.int64(place.id)])
                .only().optionalInt64(0)
        }
        let order = try EnvironmentGroups.members(of: target, project: project, in: transaction)
        let moved = EnvironmentGroups.moved(place.id, to: position, among: order)
        try EnvironmentGroups.write(moved, to: target, act, in: transaction)
        try act.succeedAtOnce(on: place, in: transaction)
    }
}
