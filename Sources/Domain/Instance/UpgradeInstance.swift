import Postgres
import WorkerRuntime

/// `slipway.instance.upgrade.v1`: another version, with the same values unless new ones are given.
///
/// `force` does it once more where nothing changes.
struct UpgradeInstance: InstanceRequest {
    static let operation = InstanceOperation.upgrade

    let project: String
    let environment: String
    let instance: String
    let version: String
    let values: String?
    let force: Bool?
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func checkFields() throws(Reason) {
        try FieldRules.version(version)
        if let values { try ValuesYAML.check(values, field: "values") }
    }

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        let base = try context.base()
        let release = try context.reader.release(of: base.application, version, in: transaction)
        var next = base.taking(
            try DesiredState(
                application: base.application,
                version: version,
                release: release,
                values: values ?? base.values
            )
        )
        if force == true {
            if try base.isSameRelease(as: next) { next.restart = context.nonce }
        } else {
            try context.requireChange(to: next)
        }
        return next
    }
}
