import Postgres
import WorkerRuntime

/// `slipway.instance.rollback.v1`: the version and values of an earlier deployment.
///
/// Of the last one that succeeded before the present one and differs from it; or of the newest of a version, or of the
/// one that made a generation of the instance. The present one is the newest, but for those that were taken back.
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
        let target = RollbackTarget(id: present.id, instance: instance)
        let deployment =
            if let revision {
                try target.find(revision: revision, in: transaction)
            } else if let version {
                try target.find(version: version, in: transaction)
            } else {
                try target.findBefore(in: transaction)
            }
        let next = try context.base().taking(deployment.desired)
        try context.requireChange(to: next)
        return next
    }
}

/// Where a rollback of an instance goes, however long ago that was deployed.
private struct RollbackTarget {
    let id: Int64
    let instance: String

    /// How many deployments are compared at once.
    private static let page = 100

    /// The deployment that made a generation.
    func find(revision: Int64, in transaction: borrowing PostgresTransaction) throws -> PastDeployment {
        let found = try DeploymentHistory.read(of: id, .generation(revision), in: transaction).first
        guard let found else {
            throw missing("Generation \(revision) of '\(instance)' was no deployment", field: "revision")
        }
        guard found.outcome == CommandState.succeeded.rawValue else {
            throw missing("The deployment of generation \(revision) did not succeed", field: "revision")
        }
        return found
    }

    /// The newest of a version that succeeded.
    func find(version: String, in transaction: borrowing PostgresTransaction) throws -> PastDeployment {
        guard let found = try DeploymentHistory.read(of: id, .succeeded(version: version), in: transaction).first else {
            throw missing(
                "No deployment of version '\(version.prefix(128))' has succeeded on '\(instance)'",
                field: "version"
            )
        }
        return found
    }

    /// The newest one that succeeded before the present one and differs from it, be it in its image or chart alone.
    func findBefore(in transaction: borrowing PostgresTransaction) throws -> PastDeployment {
        guard let present = try DeploymentHistory.read(of: id, .standing, in: transaction).first else {
            throw missing("The instance '\(instance)' has no deployment that was not taken back", field: "instance")
        }
        var last = present.generation
        while true {
            let earlier = try DeploymentHistory.read(
                of: id,
                .succeededBefore(last),
                limit: Self.page,
                in: transaction
            )
            for deployment in earlier where try !deployment.desired.isUnchanged(in: present.desired) {
                return deployment
            }
            guard earlier.count == Self.page, let end = earlier.last else { break }
            last = end.generation
        }
        throw missing("No other deployment of '\(instance)' has succeeded before the present one", field: "instance")
    }

    private func missing(_ what: String, field: String) -> Reason {
        Reason(
            code: "no_rollback_target",
            sentence: "\(what); 'slipway explain' shows what there is to go back to.",
            field: field
        )
    }
}
