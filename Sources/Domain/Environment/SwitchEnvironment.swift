import Postgres
import WorkerRuntime

/// `slipway.environment.disable.v1`: nothing may be deployed to the environment until it is enabled again.
struct DisableEnvironment: RequestOperation {
    static let name = "environment.disable"
    static let access = Access.owner

    let project: String
    let environment: String

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("environment", environment) }
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
struct EnableEnvironment: RequestOperation {
    static let name = "environment.enable"
    static let access = Access.owner

    let project: String
    let environment: String

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("environment", environment) }

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
