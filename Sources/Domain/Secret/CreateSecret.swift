import Postgres
import WorkerRuntime

/// `slipway.secret.create.v1`: confidential configuration; each value is sealed to the fleet's key by its sender.
struct CreateSecret: ObjectRequest {
    static let name = "secret.create"
    static let concept = ObjectConcept.secret

    let project: String
    let environment: String
    let secret: String
    let description: String?
    let type: String?
    /// The sealed values.
    let data: [String: String]
    let timeoutSeconds: Int?

    var object: String { secret }

    func check() throws(Reason) {
        try checkNames()
        _ = try SecretSpec(description: description, type: type, data: data).checked()
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).create(in: transaction) { _ in
            let values = try SecretValues(act, confidentialPlace).putting(data, into: EncryptedValues())
            return try ObjectContent(
                StoredSecret(type: type ?? SecretSpec.opaque),
                confidential: values,
                description: description
            )
        }
    }
}
