import Postgres
import WorkerRuntime

/// `slipway.instance.deploy.v1`: a version of an application as an instance, new or in place of what the instance runs.
struct DeployInstance: RequestOperation {
    static let name = "instance.deploy"
    static let access = Access.member

    let project: String
    let environment: String
    let application: String
    let version: String
    let instance: String
    let values: String?
    let timeoutSeconds: Int?

    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("instance", instance) }
    var rows: RequestRows { RequestRows(instances: [instance]) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.name(application, "application")
        try FieldRules.instance(instance)
        try FieldRules.version(version)
        if let values { try ValuesYAML.check(values, field: "values") }
        try FieldRules.timeout(timeoutSeconds)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try InstanceDeployer(act: act).deploy(
            environment: (project, environment),
            instance: instance,
            application: application,
            version: version,
            values: values ?? "",
            timeout: timeoutSeconds,
            in: transaction
        )
    }
}
