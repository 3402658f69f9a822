import Postgres
import WorkerRuntime

/// `slipway.instance.configure.v1`: other values for the version that the instance has.
struct ConfigureInstance: InstanceRequest {
    static let operation = InstanceOperation.configure

    let project: String
    let environment: String
    let instance: String
    let values: String
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func checkFields() throws(Reason) { try ValuesYAML.check(values, field: "values") }

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        let base = try context.base()
        let release = try context.reader.release(of: base.application, base.version, isDeployed: false, in: transaction)
        let next = base.taking(
            try DesiredState(
                application: base.application,
                version: base.version,
                release: release,
                values: values
            )
        )
        try context.requireChange(to: next)
        return next
    }
}
