import WorkerRuntime

/// A request about the auto-deploy rule of one instance.
protocol AutoDeployRequest: RequestOperation {
    /// The project.
    var project: String { get }
    /// The environment's name.
    var environment: String { get }
    /// The instance that the rule deploys.
    var instance: String { get }
}

extension AutoDeployRequest {
    static var access: Access { .member }
    static var subjectKind: String { "auto-deploy" }
    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject(Self.subjectKind, instance) }

    /// The rules of names.
    func checkNames() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.instance(instance)
    }

    func check() throws(Reason) { try checkNames() }
}
