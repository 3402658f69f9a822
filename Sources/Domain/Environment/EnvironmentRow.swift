import Postgres
import WorkerRuntime

/// An environment as requests need it.
struct EnvironmentRow: Sendable, Hashable {
    let id: Int64
    let project: String
    let name: String
    let cluster: String
    let namespace: String
    let state: EnvironmentState
    let revision: Int64
    /// What the generations of new rows in it begin behind; 0 unless the database was recovered.
    let numbersBegin: Int64

    /// What ``init(_:)`` reads, in order.
    static let columns = "id, project, environment, cluster, namespace, state, revision, numbers_begin()"

    /// The key of its results and of what its agent is told.
    var key: String { "\(project)/\(name)" }

    /// Refuses a use of what is in the environment, or is to be, that its state does not allow.
    func require(_ use: EnvironmentUse) throws(Reason) {
        guard state.allows(use) else {
            let wanted = use == .remove ? "active or disabled to take something out of it" : "active to deploy to it"
            throw Reason(
                code: "environment_not_active",
                sentence: "The environment '\(key)' is \(state.rawValue); it must be \(wanted).",
                field: "environment"
            )
        }
    }
}

extension EnvironmentRow {
    /// Reads the columns.
    init(_ row: PostgresRow) throws {
        id = try row.int64(0)
        project = try row.string(1)
        name = try row.string(2)
        cluster = try row.string(3)
        namespace = try row.string(4)
        state = EnvironmentState(rawValue: try row.string(5)) ?? .failed
        revision = try row.int64(6)
        numbersBegin = try row.int64(7)
    }
}
