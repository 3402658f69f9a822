import Postgres
import WorkerRuntime

/// `slipway.certificate.upload.v1`: a certificate that its sender brings along, the private key sealed to the fleet.
///
/// One that is expiring, expired or failed is renewed by the same request.
struct UploadCertificate: ObjectRequest {
    static let name = "certificate.upload"
    static let concept = ObjectConcept.certificate

    let project: String
    let environment: String
    let certificate: String
    /// What it is to be used for; all that it covers where it is left out.
    let domains: [String]?
    /// The certificates in PEM, the domains' own first, each signed by the next.
    let chain: String
    /// The private key in PEM, sealed.
    let privateKey: String
    let timeoutSeconds: Int?

    var object: String { certificate }

    func check() throws(Reason) {
        try checkNames()
        if let domains { try CertificateSpec.check(domains: domains, FieldPath("domains")) }
        try CertificateSpec.check(CertificateSpec.Upload(chain: chain, privateKey: privateKey), FieldPath())
        _ = try CertificateChain(pem: chain, FieldPath("chain"))
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let parsed = try CertificateChain(pem: chain, FieldPath("chain"))
        let domains = try domains ?? parsed.hosts()
        try ObjectChanger(act, self).create(in: transaction) { known in
            try parsed.check(domains: domains, now: act.now)
            let use = try ObjectSiblings(known.environment).use(ofCertificate: certificate, in: transaction)
            try use.checkCovers(domains, certificate: certificate, FieldPath("domains"))
            let vault = ObjectVault(sealing: act.desk.sealing, keyRing: act.desk.keyRing)
            let name = StoredCertificate.keyName
            let key = try vault.open(privateKey, of: confidentialPlace, name, FieldPath(name))
            try parsed.check(privateKey: key, FieldPath(name))
            var values = EncryptedValues()
            values[name] = try vault.encrypt(key, over: nil, of: confidentialPlace, name)
            return try ObjectContent(StoredCertificate(domains: domains, chain: chain), confidential: values)
        }
    }
}
