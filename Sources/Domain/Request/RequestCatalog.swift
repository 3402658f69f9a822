/// Every request that Slipway takes.
public enum RequestCatalog {
    /// The names of the requests, such as `instance.deploy`, in their order.
    public static var names: [String] { operations.map { $0.name } }

    /// The requests, concept by concept.
    static let operations: [any RequestOperation.Type] =
        project + environment + application + instance + configMap + secret + network + domain + certificate

    private static let project: [any RequestOperation.Type] = [
        CreateProject.self, UpdateProject.self, ReplaceProjectMembers.self, RegisterCluster.self, UpdateCluster.self,
        DeleteCluster.self, CreateEnvironmentGroup.self, RenameEnvironmentGroup.self, DeleteEnvironmentGroup.self,
    ]
    private static let environment: [any RequestOperation.Type] = [
        CreateEnvironment.self, UpdateEnvironment.self, MoveEnvironment.self, AssignEnvironment.self,
        DisableEnvironment.self, EnableEnvironment.self, ConnectEnvironment.self, DeleteEnvironment.self,
    ]
    private static let application: [any RequestOperation.Type] = [
        CreateApplication.self, UpdateApplication.self, DeleteApplication.self, CreateAutoDeploy.self,
        UpdateAutoDeploy.self, EnableAutoDeploy.self, DisableAutoDeploy.self, DeleteAutoDeploy.self,
    ]
    private static let instance: [any RequestOperation.Type] = [
        DeployInstance.self, UpgradeInstance.self, ConfigureInstance.self, RollBackInstance.self, RedeployInstance.self,
        RestartInstance.self, StopInstance.self, StartInstance.self, ScaleInstance.self, DeleteInstance.self,
        CancelCommand.self, RequestContainerLogs.self, ListenToLog.self,
    ]
    private static let configMap: [any RequestOperation.Type] = [
        CreateConfigMap.self, UpdateConfigMap.self, DeleteConfigMap.self,
    ]
    private static let secret: [any RequestOperation.Type] = [
        CreateSecret.self, UpdateSecret.self, DeleteSecret.self,
    ]
    private static let network: [any RequestOperation.Type] = [
        CreateNetwork.self, UpdateNetwork.self, DeleteNetwork.self,
    ]
    private static let domain: [any RequestOperation.Type] = [
        CreateDomain.self, UpdateDomain.self, DeleteDomain.self,
    ]
    private static let certificate: [any RequestOperation.Type] = [
        RequestCertificate.self, UploadCertificate.self, DeleteCertificate.self,
    ]

    /// The requests by their types without the version.
    static let byType: [String: any RequestOperation.Type] = Dictionary(
        uniqueKeysWithValues: operations.map { ("slipway.\($0.name)", $0) }
    )

    /// What people are told of the types that there are.
    static let list = byType.keys.sorted().map { $0 + ".v1" }.joined(separator: ", ")
}
