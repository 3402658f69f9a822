/// Every request that Slipway takes.
enum RequestCatalog {
    /// The requests, concept by concept.
    static let operations: [any RequestOperation.Type] =
        project + environment + application + instance

    private static let project: [any RequestOperation.Type] = [CreateProject.self, RegisterCluster.self]
    private static let environment: [any RequestOperation.Type] = [CreateEnvironment.self]
    private static let application: [any RequestOperation.Type] = [CreateApplication.self, CreateAutoDeploy.self]
    private static let instance: [any RequestOperation.Type] = [DeployInstance.self, UpgradeInstance.self]

    /// The requests by their types without the version.
    static let byType: [String: any RequestOperation.Type] = Dictionary(
        uniqueKeysWithValues: operations.map { ("slipway.\($0.name)", $0) }
    )

    /// What people are told of the types that there are.
    static let list = byType.keys.sorted().map { $0 + ".v1" }.joined(separator: ", ")
}
