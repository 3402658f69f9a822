import Postgres
import WorkerRuntime

/// `slipway.domain.create.v1`: a host whose paths lead to networks, an Ingress.
struct CreateDomain: ObjectRequest {
    static let name = "domain.create"
    static let concept = ObjectConcept.domain

    let project: String
    let environment: String
    let domain: String
    let host: String
    let paths: [DomainPath]
    let certificate: String?
    let annotations: [String: String]?
    let timeoutSeconds: Int?

    var object: String { domain }
    private var spec: DomainSpec {
        DomainSpec(host: host, paths: paths, certificate: certificate, annotations: annotations)
    }

    func check() throws(Reason) {
        try checkNames()
        _ = try spec.checked()
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let wanted = try spec.checked()
        try ObjectChanger(act, self).create(in: transaction) { known in
            let siblings = ObjectSiblings(known.environment)
            try siblings.surroundings(ofDomain: domain, wanted, now: act.now, in: transaction).check(wanted)
            return try ObjectContent(wanted)
        }
    }
}
