/// A request about an environment itself, which is its owners' business.
protocol EnvironmentRequest: RequestOperation {
    /// The project.
    var project: String { get }
    /// The environment's name.
    var environment: String { get }
}

extension EnvironmentRequest {
    static var access: Access { .owner }
    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject("environment", environment) }
}
