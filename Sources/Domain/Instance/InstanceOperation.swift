/// What can be asked of an instance; the raw value is the last word of the request's type.
enum InstanceOperation: String, Sendable, Hashable, CaseIterable {
    /// A version as a new instance, or in place of what the instance runs.
    case deploy
    /// Another version.
    case upgrade
    /// Other values.
    case configure
    /// The version and values of an earlier deployment.
    case rollback
    /// The same version and values once more.
    case redeploy
    /// New pods of the same.
    case restart
    /// No pods.
    case stop
    /// Pods again.
    case start
    /// So many pods of one workload.
    case scale
    /// Nothing of it any more.
    case delete

    /// Reads a command's operation, such as `instance.deploy`.
    init?(command operation: String) {
        guard operation.hasPrefix("instance.") else { return nil }
        self.init(rawValue: String(operation.dropFirst("instance.".count)))
    }

    /// Whether it decides version and values, so that it stands in the history of deployments.
    var isDeployment: Bool {
        switch self {
        case .deploy, .upgrade, .configure, .rollback, .redeploy: true
        case .restart, .stop, .start, .scale, .delete: false
        }
    }
}
