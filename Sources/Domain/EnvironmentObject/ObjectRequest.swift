import Postgres
import WorkerRuntime

/// A request about an object of an environment: a network, domain, certificate, config map or secret.
protocol ObjectRequest: RequestOperation {
    /// What the object is.
    static var concept: ObjectConcept { get }
    /// The project.
    var project: String { get }
    /// The environment's name.
    var environment: String { get }
    /// The object's name.
    var object: String { get }
    /// How long the command may take in all.
    var timeoutSeconds: Int? { get }
}

extension ObjectRequest {
    static var access: Access { .member }
    var place: RequestPlace { .environment(project: project, environment: environment) }
    var subject: RequestSubject { RequestSubject(Self.concept.rawValue, object) }
    var rows: RequestRows { RequestRows(objects: [subject]) }

    /// What the object's confidential values are bound to.
    var confidentialPlace: ConfidentialPlace {
        ConfidentialPlace(project: project, environment: environment, concept: Self.concept, name: object)
    }

    /// The rules of names and of the time limit.
    func checkNames() throws(Reason) {
        try FieldRules.environment(project, environment)
        try ObjectName.check(object, of: Self.concept, at: FieldPath(Self.concept.field))
        try FieldRules.timeout(timeoutSeconds)
    }
}

/// The deletion of an object.
protocol ObjectDeletion: ObjectRequest {}

extension ObjectDeletion {
    func check() throws(Reason) { try checkNames() }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).delete(in: transaction)
    }
}
