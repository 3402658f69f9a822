import Foundation
import Postgres
import WorkerRuntime

/// `slipway.instance.deploy.v1`: a version of an application as an instance, new or in place of what the instance runs.
///
/// Without an `instance` the name follows from the request's source and id, so that a repeat names the same one.
/// `force` does it once more where nothing changes.
struct DeployInstance: InstanceRequest {
    /// Whether the instance must be there.
    enum Mode: String, Decodable, Sendable, CaseIterable {
        /// It must not exist.
        case new
        /// It must exist.
        case replace
    }

    static let operation = InstanceOperation.deploy

    let project: String
    let environment: String
    let application: String
    let version: String
    private var chosen: String?
    private var generated: String?
    let values: String?
    /// Whether the values come on top of those that the instance has.
    let keepValues: Bool?
    private let mode: String?
    let force: Bool?
    let dryRun: Bool?
    let timeoutSeconds: Int?

    private enum CodingKeys: String, CodingKey {
        case project, environment, application, version, values, keepValues, mode, force, dryRun, timeoutSeconds
        case chosen = "instance"
    }

    var instance: String { chosen ?? generated ?? "" }

    func identified(source: String, id: String) -> DeployInstance {
        guard chosen == nil else { return self }
        var request = self
        let random = DerivedID.make("instance", source, id)
        request.generated = withUnsafeBytes(of: random.uuid) {
            GeneratedInstanceName.make(application: application, random: $0)
        }
        return request
    }

    func checkFields() throws(Reason) {
        try FieldRules.name(application, "application")
        try FieldRules.version(version)
        if let values { try ValuesYAML.check(values, field: "values") }
        guard let mode else { return }
        guard let asked = Mode(rawValue: mode) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'mode' is '\(mode.prefix(40))'; it should be 'new', 'replace' or absent for either.",
                field: "mode"
            )
        }
        guard asked == .replace, chosen == nil else { return }
        throw Reason(
            code: "missing_field",
            sentence: "'instance' is missing; with the mode 'replace' it should name the instance to replace.",
            field: "instance"
        )
    }

    func next(_ context: InstanceContext, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        try requireMode(context.instance)
        if context.instance == nil {
            try ObjectOwner.checkFree(instance: instance, in: context.environment, transaction)
        }
        if let present = context.instance, present.application != application {
            throw Reason(
                code: "other_application",
                sentence:
                    "The instance '\(instance)' runs the application '\(present.application)'; choose another instance name for '\(application)'.",
                field: "application"
            )
        }
        let release = try context.reader.release(of: application, version, in: transaction)
        let base = context.instance?.base
        let kept = keepValues == true ? base?.values ?? "" : ""
        let asked = kept.isEmpty ? values ?? "" : try ValuesYAML.merge([kept, values ?? ""])
        let wanted = try DesiredState(application: application, version: version, release: release, values: asked)
        guard let base else { return wanted }
        var next = base.taking(wanted)
        if force == true {
            if try base.isSameRelease(as: next) { next.restart = context.nonce }
        } else {
            try context.requireChange(to: next)
        }
        return next
    }

    private func requireMode(_ present: InstanceRow?) throws(Reason) {
        let mode = chosen == nil ? .new : mode.flatMap(Mode.init)
        switch (mode, present) {
        case (.new, .some): throw .exists("instance", instance)
        case (.replace, nil): throw .unknownInstance(instance)
        default: break
        }
    }
}
