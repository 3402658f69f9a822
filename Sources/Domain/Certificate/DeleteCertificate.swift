import Postgres
import WorkerRuntime

/// `slipway.certificate.delete.v1`: takes a certificate away, unless a domain is served with it.
struct DeleteCertificate: ObjectRequest {
    static let name = "certificate.delete"
    static let concept = ObjectConcept.certificate

    let project: String
    let environment: String
    let certificate: String
    /// Whether to do so although domains are served with it; they have none then.
    let force: Bool?
    let timeoutSeconds: Int?

    var object: String { certificate }

    func check() throws(Reason) { try checkNames() }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).delete(in: transaction) { known in
            guard force != true else { return }
            let use = try ObjectSiblings(known.environment).use(ofCertificate: certificate, in: transaction)
            try use.checkUnused(certificate: certificate)
        }
    }
}
