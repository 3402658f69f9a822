import Postgres
import WorkerRuntime

/// `slipway.instance.rollback.v1`: the version and values of an earlier deployment.
///
/// Of the last one that succeeded before the present one and differs from it; or of the newest of a version, or of the
/// one that made a generation of the instance.
struct RollBackInstance: InstanceRequest {
    static let operation = InstanceOperation.rollback

    let project: String
    let environment: String
    let instance: String
    let version: String?
    /// A generation of the instance.
    let revision: Int64?
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func checkFields() throws(Reason) {
        if let version { try FieldRules.version(version) }
        guard let revision else { return }
        guard version == nil else {
            throw Reason(
                code: "invalid_field",
                sentence: "'version' and 'revision' both say where to go back to; give one of them.",
                field: "revision"
            )
        }
        guard revision > 0 else {
            throw Reason(
                code: "invalid_field",
                sentence: "'revision' is \(revision); it should be a generation of the instance, from 1.",
                field: "revision"
            )
        }
    }

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        guard let present = context.instance else { throw Reason.unknownInstance(instance) }
        let history = try DeploymentHistory.read(of: present.id, in: transaction)
        let target = try RollbackTarget.choose(from: history, version: version, revision: revision, of: instance)
        let next = try context.base().taking(target.desired)
        try context.requireChange(to: next)
        return next
    }
}

/// Where a rollback goes.
///
/// Pure.
enum RollbackTarget {
    /// Chooses among the deployments of an instance, newest first.
    static func choose(
        from history: [PastDeployment],
        version: String?,
        revision: Int64?,
        of instance: String
    ) throws(Reason) -> PastDeployment {
        if let revision {
            guard let deployment = history.first(where: { $0.generation == revision }) else {
                throw missing("Generation \(revision) of '\(instance)' was no deployment", field: "revision")
            }
            guard deployment.outcome == CommandState.succeeded.rawValue else {
                throw missing("The deployment of generation \(revision) did not succeed", field: "revision")
            }
            return deployment
        }
        let succeeded = history.filter { $0.outcome == CommandState.succeeded.rawValue }
        if let version {
            let number = VersionStore.number(version)
            guard let deployment = succeeded.first(where: { VersionStore.number($0.desired.version) == number }) else {
                throw missing(
                    "No deployment of version '\(version.prefix(128))' has succeeded on '\(instance)'",
                    field: "version"
                )
            }
            return deployment
        }
        guard let present = history.first else {
            throw missing("The instance '\(instance)' has no deployments", field: "instance")
        }
        for deployment in succeeded where deployment.generation < present.generation {
            if try !deployment.desired.isSameRelease(as: present.desired) { return deployment }
        }
        throw missing("No other deployment of '\(instance)' has succeeded before the present one", field: "instance")
    }

    private static func missing(_ what: String, field: String) -> Reason {
        Reason(
            code: "no_rollback_target",
            sentence: "\(what); 'slipway explain' shows what there is to go back to.",
            field: field
        )
    }
}
