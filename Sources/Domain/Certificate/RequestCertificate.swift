import Postgres
import WorkerRuntime

/// `slipway.certificate.request.v1`: a certificate ordered through cert-manager, which renews it.
///
/// One that is expiring, expired or failed is ordered anew by the same request.
struct RequestCertificate: ObjectRequest {
    static let name = "certificate.request"
    static let concept = ObjectConcept.certificate

    let project: String
    let environment: String
    let certificate: String
    let domains: [String]
    let issuer: CertificateIssuer?
    let timeoutSeconds: Int?

    var object: String { certificate }

    func check() throws(Reason) {
        try checkNames()
        try CertificateSpec.check(domains: domains, FieldPath("domains"))
        _ = try (issuer ?? CertificateIssuer()).checked(FieldPath("issuer"))
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let issuer = try (issuer ?? CertificateIssuer()).checked(FieldPath("issuer"))
        try ObjectChanger(act, self).create(in: transaction) { known in
            let use = try ObjectSiblings(known.environment).use(ofCertificate: certificate, in: transaction)
            try use.checkCovers(domains, certificate: certificate, FieldPath("domains"))
            return try ObjectContent(StoredCertificate(domains: domains, issuer: issuer))
        }
    }
}
