internal import CloudEvents
import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// What a request would do: the answer to a dry run.
struct InstancePlan: Codable, Sendable, Hashable {
    /// One difference of the values.
    struct Change: Codable, Sendable, Hashable {
        let path: String
        let kind: String
        let old: String?
        let new: String?
    }

    /// The most bytes that the differences of the values may take.
    static let mostBytesOfValues = 500_000

    var operation: String
    /// What the instance is now; `nil` where there is none.
    var fromState: String?
    /// What it would be.
    var toState: String
    var fromVersion: String?
    var toVersion: String?
    /// What differs of the merged values; confidential ones are hidden.
    var values: [Change] = []
    /// The command on its way that would end.
    var supersedes: String?
    /// The objects of the instance that would be touched, as far as they were seen.
    var objects: [String] = []
    /// What the sender should know.
    var warnings: [String] = []

    /// Finds out what would happen; nothing is written.
    static func make(
        _ operation: InstanceOperation,
        _ context: InstanceContext,
        _ desired: DesiredState?,
        isForced: Bool,
        in transaction: borrowing PostgresTransaction
    ) throws -> InstancePlan {
        let base = context.instance?.base
        let diff = try ValuesDiff.between(base?.mergedValues ?? "", (desired ?? base)?.mergedValues ?? "")
        var plan = InstancePlan(
            operation: "instance.\(operation.rawValue)",
            fromState: context.instance?.state.rawValue,
            toState: desired.map { $0.isStopped ? "stopped" : "running" } ?? "deleted",
            fromVersion: base?.version,
            toVersion: desired?.version,
            supersedes: context.instance?.open?.id.uuidString.lowercased()
        )
        if let instance = context.instance {
            let onlyWorkloads = !operation.isDeployment && operation != .delete
            plan.objects = try context.reader.objects(of: instance.id, onlyWorkloads: onlyWorkloads, in: transaction)
        }
        let isConnected = try context.reader.isConnected(context.environment.cluster, in: transaction)
        plan.warnings = warnings(operation, context, desired, isForced: isForced, isConnected: isConnected)
        plan.take(diff.changes.map { Change(path: $0.path, kind: $0.kind.rawValue, old: $0.old, new: $0.new) })
        return plan
    }

    /// Takes the differences, as many as the message has room for: one that no broker accepts would tell nothing.
    private mutating func take(_ changes: [Change]) {
        var bytes = 0
        values = changes.filter { change in
            let size = JSONWriter.object { change.write(into: &$0) }.count + 1
            guard bytes + size <= Self.mostBytesOfValues else { return false }
            bytes += size
            return true
        }
        let rest = changes.count - values.count
        guard rest > 0 else { return }
        warnings.append(
            "\(rest) of the \(changes.count) differences of the values are left out: they would not fit in here."
        )
    }

    private static func warnings(
        _ operation: InstanceOperation,
        _ context: InstanceContext,
        _ desired: DesiredState?,
        isForced: Bool,
        isConnected: Bool
    ) -> [String] {
        var warnings: [String] = []
        if let open = context.instance?.open, let present = InstanceOperation(command: open.operation) {
            let end = InstanceCollapse.reason(open: present, new: operation).sentence
            warnings.append("The \(present.rawValue) on its way would end as superseded: \(end)")
        }
        if let desired, desired.isStopped, operation != .stop {
            warnings.append("The instance is stopped and stays so; it takes this when it is started.")
        }
        if operation.isDeployment, let replicas = desired?.replicas, !replicas.isEmpty {
            let list = replicas.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            warnings.append("Replicas that were set by hand stand over the chart's: \(list).")
        }
        if isForced {
            warnings.append("The objects stay in the cluster until its agent returns and removes them.")
        } else if !isConnected {
            warnings.append(
                "The agent of cluster '\(context.environment.cluster)' is not connected; the command would wait for it."
            )
        }
        return warnings
    }
}

extension CommandResult {
    /// The message about a request that was only to be thought through: no command is made.
    ///
    /// Nothing is kept of a plan, so a request that comes again is planned again: another answer, and another event.
    static func planned(of request: RequestIdentity, _ plan: InstancePlan, now: Int64) -> OutboxRecord {
        let content = String(decoding: JSONWriter.object { plan.write(into: &$0) }, as: UTF8.self)
        let id = DerivedID.make("plan", request.source, request.id, String(now), content)
        return answer(to: request, "planned", id: id, now: now) { json in
            json.member("reason", nil as String?)
            json.objectMember("plan") { plan.write(into: &$0) }
        }
    }
}

extension InstancePlan {
    fileprivate func write(into json: inout JSONWriter) {
        json.member("operation", operation)
        json.member("fromState", fromState)
        json.member("toState", toState)
        json.member("fromVersion", fromVersion)
        json.member("toVersion", toVersion)
        // Who may not is rejected: a plan says that the sender may.
        json.key("permitted")
        json.value(true)
        json.member("supersedes", supersedes)
        json.key("values")
        json.array { list in
            for change in values {
                list.object { change.write(into: &$0) }
            }
        }
        json.key("objects")
        json.array { list in for object in objects { list.value(object) } }
        json.key("warnings")
        json.array { list in for warning in warnings { list.value(warning) } }
    }
}

extension InstancePlan.Change {
    fileprivate func write(into json: inout JSONWriter) {
        json.member("path", path)
        json.member("kind", kind)
        if let old { json.member("old", old) }
        if let new { json.member("new", new) }
    }
}
