import Postgres
import WorkerRuntime

/// A request about one instance.
///
/// What it makes of the desired state is a pure function; ``InstanceChanger`` does the rest.
protocol InstanceRequest: RequestOperation {
    /// What it asks for.
    static var operation: InstanceOperation { get }
    var project: String { get }
    var environment: String { get }
    var instance: String { get }
    var timeoutSeconds: Int? { get }
    /// Whether it asks only what would happen.
    var dryRun: Bool? { get }
    /// Whether what stands against it is to count for nothing; what that may be, the request says.
    var force: Bool? { get }
    /// The rules of the fields that not every request about an instance has.
    func checkFields() throws(Reason)
    /// The desired state after it; `nil` for none at all.
    ///
    /// - Throws: A `Reason` for a rejection.
    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState?
}

extension InstanceRequest {
    static var name: String { "instance.\(operation.rawValue)" }
    static var access: Access { .member }
    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("instance", instance) }
    var rows: RequestRows { RequestRows(instances: [instance]) }
    var force: Bool? { nil }
    var isDryRun: Bool { dryRun == true }

    func checkFields() throws(Reason) {}

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.instance(instance)
        try FieldRules.timeout(timeoutSeconds)
        try checkFields()
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try InstanceChanger(act: act).change(self, in: transaction)
    }
}

/// What a request about an instance is decided with; everything is locked.
struct InstanceContext: Sendable {
    let name: String
    let environment: EnvironmentRow
    /// The instance; `nil` where there is none, or none any more.
    let instance: InstanceRow?
    let reader: InstanceReader
    /// A text that no other request has, for what must be new.
    let nonce: String

    /// The newest desired state that has not failed.
    ///
    /// - Throws: A reason where there is no instance.
    func base() throws(Reason) -> DesiredState {
        guard let base = instance?.base else { throw .unknownInstance(name) }
        return base
    }

    /// Refuses what changes nothing.
    ///
    /// After a command that did not reach its goal the cluster may hold anything: then the same is a change.
    func requireChange(to next: DesiredState) throws(Reason) {
        guard let instance, instance.isReached, let base = instance.base, try base.isUnchanged(in: next) else {
            return
        }
        let present = instance.open == nil ? "runs" : "is being given"
        throw Reason(
            code: "no_change",
            sentence:
                "The instance '\(name)' \(present) version '\(next.version)' with the same values; redeploy it to do it once more."
        )
    }
}

extension Reason {
    static func unknownInstance(_ name: String) -> Reason {
        Reason(
            code: "unknown_instance",
            sentence: "The instance '\(name)' does not exist; deploy it first.",
            field: "instance"
        )
    }
}
