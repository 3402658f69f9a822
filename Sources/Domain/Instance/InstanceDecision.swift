import Foundation
import WorkerRuntime

/// What is known before a deployment is decided; the rows are locked.
struct DeploymentContext: Sendable {
    struct Version: Sendable {
        let image: String?
        let chart: ChartReference?
        let values: String?
    }
    struct Instance: Sendable {
        let id: Int64
        let application: String
        let desiredVersion: String
        let desiredValues: String
        let generation: Int64
        let openCommand: UUID?
    }
    var environment: EnvironmentRow?
    var application: String?
    var version: Version?
    var instance: Instance?
}

/// What a deployment changes.
struct Deployment: Sendable, Equatable {
    /// The application.
    var application: String
    /// The version to run.
    var version: String
    /// The request's values, which stay with the instance.
    var values: String
    /// The version's values with the request's on top.
    var mergedValues: String
    /// The instance's new generation.
    var generation: Int64
    /// The open command that this one includes and ends.
    var supersedes: UUID?
}

/// Whether an instance may be deployed or upgraded, and to what.
enum InstanceDecision {
    /// Decides; pure.
    ///
    /// - Parameters:
    ///   - application: The application asked for; `nil` for an upgrade, which keeps the instance's.
    ///   - values: The values asked for; `nil` keeps the instance's.
    static func deploy(
        _ context: DeploymentContext,
        environment: String,
        instance name: String,
        application: String?,
        version: String,
        values: String?
    ) throws(Reason) -> Deployment {
        guard let place = context.environment else {
            throw Reason(
                code: "unknown_environment",
                sentence: "The environment '\(environment)' does not exist; create it first.",
                field: "environment"
            )
        }
        try place.requireActive()
        if application == nil, context.instance == nil {
            throw Reason(
                code: "unknown_instance",
                sentence: "The instance '\(name)' does not exist in '\(environment)'; deploy it first.",
                field: "instance"
            )
        }
        if let application, let present = context.instance, present.application != application {
            throw Reason(
                code: "other_application",
                sentence:
                    "The instance '\(name)' runs the application '\(present.application)'; choose another instance name for '\(application)'.",
                field: "application"
            )
        }
        let wanted = application ?? context.instance?.application ?? ""
        guard context.application != nil else {
            throw Reason(
                code: "unknown_application",
                sentence: "The application '\(wanted)' does not exist in the project; create it first.",
                field: "application"
            )
        }
        guard let release = context.version else {
            throw Reason(
                code: "unknown_version",
                sentence: "No release of '\(wanted)' has the version '\(version.prefix(128))'; publish it first.",
                field: "version"
            )
        }
        let kept = values ?? context.instance?.desiredValues ?? ""
        return Deployment(
            application: wanted,
            version: version,
            values: kept,
            mergedValues: try ValuesYAML.merge([release.values ?? "", kept]),
            generation: (context.instance?.generation ?? 0) + 1,
            supersedes: context.instance?.openCommand
        )
    }
}
