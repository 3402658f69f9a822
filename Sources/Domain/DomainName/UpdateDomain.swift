import Postgres
import WorkerRuntime

/// `slipway.domain.update.v1`: a domain as it is to be from now on, whole.
struct UpdateDomain: ObjectRequest {
    static let name = "domain.update"
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
        try ObjectChanger(act, self).edit(in: transaction) { known in
            let siblings = ObjectSiblings(known.environment)
            try siblings.surroundings(ofDomain: domain, wanted, now: act.now, in: transaction).check(wanted)
            return try ObjectContent(wanted)
        }
    }
}
