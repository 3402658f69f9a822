import Foundation
import Postgres
import WorkerRuntime

/// An instance as requests need it, with its open command; both are locked.
struct InstanceRow: Sendable {
    let id: Int64
    let application: String
    let generation: Int64
    let state: InstanceState
    let runningGeneration: Int64?
    /// The desired state of the newest command.
    let desired: DesiredState?
    /// The desired state of the newest command that reached its goal, or that was applied and did not fail.
    let settled: DesiredState?
    /// The command on its way.
    var open: Command?

    fileprivate static let columns =
        "id, application, generation, state, running_generation, desired::text, settled::text"

    /// Reads the instance of a name, deleted ones too; the environment's row and the instance's are locked.
    static func read(
        _ name: String,
        in environment: EnvironmentRow,
        transaction: borrowing PostgresTransaction
    ) throws -> InstanceRow? {
        let found = try transaction.query(
            "select \(columns), open_command from instance where environment_id = $1 and instance = $2",
            [.int64(environment.id), .text(name)]
        ).first
        guard let found else { return nil }
        var instance = try InstanceRow(found)
        if let open = try found.optionalUUID(7) {
            instance.open = try CommandStore(worker: RequestDesk.worker).lock([open], in: transaction)[open]
        }
        return instance
    }

    /// The newest generation of the instances that had a name in the environment's namespace, whosever it was.
    static func newestGeneration(
        _ name: String,
        in environment: EnvironmentRow,
        transaction: borrowing PostgresTransaction
    ) throws -> Int64 {
        try transaction.query(
            """
            select coalesce(max(generation), 0) from instance
            where environment_id = any(\(EnvironmentNamespace.holders)) and instance = $3
            """,
            [.text(environment.cluster), .text(environment.namespace), .text(name)]
        ).only().int64(0)
    }

    /// The state that counts for what may be asked: while a command is on its way, the one that it will make.
    var standing: InstanceState {
        if let open { return InstanceState(aim: open.goal) }
        return state == .operating ? .failed : state
    }

    /// The newest desired state that has not failed: what a change is made to.
    ///
    /// Of an instance that was never brought to run it is what was asked for.
    var base: DesiredState? { open == nil ? settled ?? desired : desired }

    /// Whether the cluster has, or is about to have, the base: to ask for the same again is no change.
    var isReached: Bool { open != nil || runningGeneration == generation }
}

extension InstanceRow {
    /// Reads the columns.
    init(_ row: PostgresRow) throws {
        id = try row.int64(0)
        application = try row.string(1)
        generation = try row.int64(2)
        state = InstanceState(rawValue: try row.string(3)) ?? .failed
        runningGeneration = try row.optionalInt64(4)
        desired = try row.optionalString(5).map { try DesiredState(json: Array($0.utf8)) }
        settled = try row.optionalString(6).map { try DesiredState(json: Array($0.utf8)) }
    }
}
