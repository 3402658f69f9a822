/// `slipway.domain.delete.v1`: takes a domain away.
struct DeleteDomain: ObjectDeletion {
    static let name = "domain.delete"
    static let concept = ObjectConcept.domain

    let project: String
    let environment: String
    let domain: String
    let timeoutSeconds: Int?

    var object: String { domain }
}
