/// `slipway.secret.delete.v1`: takes a secret away.
struct DeleteSecret: ObjectDeletion {
    static let name = "secret.delete"
    static let concept = ObjectConcept.secret

    let project: String
    let environment: String
    let secret: String
    let timeoutSeconds: Int?

    var object: String { secret }
}
