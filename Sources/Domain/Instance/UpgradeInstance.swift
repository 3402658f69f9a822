import Postgres
import WorkerRuntime

/// `slipway.instance.upgrade.v1`: another version, with the same values unless new ones are given.
struct UpgradeInstance: RequestOperation {
    static let name = "instance.upgrade"
    static let access = Access.member

    let project: String
    let environment: String
    let version: String
    let instance: String
    let values: String?
    let timeoutSeconds: Int?

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("instance", instance) }
    var rows: RequestRows { RequestRows(instances: [instance]) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.instance(instance)
        try FieldRules.version(version)
        if let values { try ValuesYAML.check(values, field: "values") }
        try FieldRules.timeout(timeoutSeconds)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try InstanceDeployer(act: act).deploy(
            environment: (project, environment),
            instance: instance,
            application: nil,
            version: version,
            values: values,
            timeout: timeoutSeconds,
            in: transaction
        )
    }
}
