import Foundation

/// The requests that Slipway takes, by their types without the version.
enum RequestBody: Sendable {
    case createProject(CreateProject)
    case registerCluster(RegisterCluster)
    case createEnvironment(CreateEnvironment)
    case createApplication(CreateApplication)
    case createAutoDeploy(CreateAutoDeploy)
    case deployInstance(DeployInstance)
    case upgradeInstance(UpgradeInstance)

    /// What the request is about and how its results are keyed.
    var subject: (kind: String, name: String) {
        switch self {
        case .createProject(let body): ("project", body.project)
        case .registerCluster(let body): ("cluster", body.cluster)
        case .createEnvironment(let body): ("environment", body.environment)
        case .createApplication(let body): ("application", body.application)
        case .createAutoDeploy(let body): ("auto-deploy", body.instance)
        case .deployInstance(let body): ("instance", body.instance)
        case .upgradeInstance(let body): ("instance", body.instance)
        }
    }

    /// The Kafka key that the body asks for.
    var key: String {
        switch self {
        case .createProject(let body): body.project
        case .registerCluster(let body): body.cluster
        case .createEnvironment(let body): "\(body.project)/\(body.environment)"
        case .createApplication(let body): body.project
        case .createAutoDeploy(let body): "\(body.project)/\(body.environment)"
        case .deployInstance(let body): "\(body.project)/\(body.environment)"
        case .upgradeInstance(let body): "\(body.project)/\(body.environment)"
        }
    }

    /// The environment that must exist and whose row is locked.
    var environment: (project: String, environment: String)? {
        switch self {
        case .createProject, .registerCluster, .createApplication: nil
        case .createEnvironment(let body): (body.project, body.environment)
        case .createAutoDeploy(let body): (body.project, body.environment)
        case .deployInstance(let body): (body.project, body.environment)
        case .upgradeInstance(let body): (body.project, body.environment)
        }
    }

    /// The operation as commands and the audit name it.
    var operation: String {
        switch self {
        case .createProject: "project.create"
        case .registerCluster: "cluster.register"
        case .createEnvironment: "environment.create"
        case .createApplication: "application.create"
        case .createAutoDeploy: "autodeploy.create"
        case .deployInstance: "instance.deploy"
        case .upgradeInstance: "instance.upgrade"
        }
    }
}

/// The data of `slipway.project.create.v1`.
struct CreateProject: Codable, Sendable {
    let project: String
    let name: String?
}

/// The data of `slipway.cluster.register.v1`.
struct RegisterCluster: Codable, Sendable {
    let cluster: String
    let name: String?
}

/// The data of `slipway.environment.create.v1`.
struct CreateEnvironment: Codable, Sendable {
    let project: String
    let environment: String
    let cluster: String
    let namespace: String?
}

/// The data of `slipway.application.create.v1`.
struct CreateApplication: Codable, Sendable {
    struct Chart: Codable, Sendable {
        let repository: String?
        let name: String
    }
    let project: String
    let application: String
    let artifact: String?
    let chart: Chart?
}

/// The data of `slipway.autodeploy.create.v1`.
struct CreateAutoDeploy: Codable, Sendable {
    let project: String
    let environment: String
    let application: String
    let instance: String
    let versions: String?
    let branches: [String]?
    let values: String?
}

/// The data of `slipway.instance.deploy.v1`.
struct DeployInstance: Codable, Sendable {
    let project: String
    let environment: String
    let application: String
    let version: String
    let instance: String
    let values: String?
    let timeoutSeconds: Int?
}

/// The data of `slipway.instance.upgrade.v1`.
struct UpgradeInstance: Codable, Sendable {
    let project: String
    let environment: String
    let instance: String
    let version: String
    let values: String?
    let timeoutSeconds: Int?
}
