import Postgres
import WorkerRuntime

/// `slipway.instance.scale.v1`: so many pods of one workload, whatever the chart says, until it is scaled again.
///
/// The workload may be left out where the instance has one only.
struct ScaleInstance: InstanceRequest {
    static let operation = InstanceOperation.scale

    let project: String
    let environment: String
    let instance: String
    let workload: String?
    let replicas: Int
    let dryRun: Bool?
    let timeoutSeconds: Int?

    func checkFields() throws(Reason) {
        guard (0...1000).contains(replicas) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'replicas' is \(replicas); it should be from 0 to 1000.",
                field: "replicas"
            )
        }
        if let workload { try Workload.check(workload) }
    }

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        guard let present = context.instance else { throw Reason.unknownInstance(instance) }
        let known = try context.reader.objects(of: present.id, onlyWorkloads: true, in: transaction)
        let name = try Workload.choose(workload, among: known, of: instance)
        var next = try context.base()
        guard next.replicas[name] != replicas || !present.isReached else {
            throw Reason(
                code: "no_change",
                sentence: "'\(name)' of the instance '\(instance)' is scaled to \(replicas) already.",
                field: "replicas"
            )
        }
        next.replicas[name] = replicas
        return next
    }
}

/// What of an instance can be scaled.
///
/// Pure.
enum Workload {
    static func check(_ text: String) throws(Reason) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, ["Deployment", "StatefulSet"].contains(parts[0]),
            (try? FieldRules.name(parts[1], "workload", limit: 253)) != nil
        {
            return
        }
        throw Reason(
            code: "invalid_field",
            sentence: "'workload' is '\(text.prefix(80))'; it should be such as 'Deployment/web' or 'StatefulSet/db'.",
            field: "workload"
        )
    }

    /// The workload that is meant.
    ///
    /// - Parameter known: What the cluster was seen to have; nothing of an instance that is just being made.
    static func choose(_ asked: String?, among known: [String], of instance: String) throws(Reason) -> String {
        let list = known.joined(separator: ", ")
        if let asked {
            guard known.isEmpty || known.contains(asked) else {
                throw Reason(
                    code: "unknown_workload",
                    sentence: "The instance '\(instance)' has no '\(asked)'; it has \(list).",
                    field: "workload"
                )
            }
            return asked
        }
        guard let only = known.first, known.count == 1 else {
            throw Reason(
                code: "workload_needed",
                sentence: known.isEmpty
                    ? "No workload of the instance '\(instance)' was seen yet; say which one, such as 'Deployment/web'."
                    : "The instance '\(instance)' has several workloads; say which one: \(list).",
                field: "workload"
            )
        }
        return only
    }
}
