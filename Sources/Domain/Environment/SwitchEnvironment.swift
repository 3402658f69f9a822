import Postgres
import WorkerRuntime

/// `slipway.environment.disable.v1`: nothing may be deployed to the environment until it is enabled again.
struct DisableEnvironment: EnvironmentRequest {
    static let name = "environment.disable"

    let project: String
    let environment: String

    /// What runs in it must not change meanwhile.
    var rows: RequestRows { RequestRows(isWholeEnvironment: true) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let next = try place.state(after: .disable)
        try EnvironmentContent.read(place.id, act, in: transaction).requireAtRest(place)
        try act.change(
            place.id,
            "state = $4, position = \(EnvironmentGroups.last("environment.group_id", of: "environment.project"))",
            [.text(next.rawValue)],
            in: transaction
        )
        try act.succeedAtOnce(on: place, in: transaction)
    }
}

/// `slipway.environment.enable.v1`: the environment takes deployments again.
struct EnableEnvironment: EnvironmentRequest {
    static let name = "environment.enable"

    let project: String
    let environment: String

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let next = try place.state(after: .enable)
        try act.change(
            place.id,
            "state = $4, position = \(EnvironmentGroups.last("environment.group_id", of: "environment.project"))",
            [.text(next.rawValue)],
            in: transaction
        )
        try act.succeedAtOnce(on: place, in: transaction)
    }
}
