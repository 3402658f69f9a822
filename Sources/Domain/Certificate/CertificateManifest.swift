import Foundation
internal import JSON

/// The object of a certificate: an order to cert-manager, or the Secret with what was uploaded.
enum CertificateManifest {
    static let secretSuffix = "-tls"

    /// The Secret that holds chain and key; domains name it.
    static func secretName(of certificate: String) -> String { certificate + secretSuffix }

    /// Writes a certificate that was checked.
    ///
    /// - Parameter sealedKey: The uploaded private key, sealed anew for the cluster's agent.
    static func make(_ spec: CertificateSpec, sealedKey: String? = nil, head: ObjectHead) -> ObjectManifest {
        if let upload = spec.upload { return secret(upload.chain, sealedKey ?? upload.privateKey, head) }
        return order(spec.domains, spec.request?.issuer ?? CertificateIssuer(), head)
    }

    private static func order(_ domains: [String], _ issuer: CertificateIssuer, _ head: ObjectHead) -> ObjectManifest {
        ObjectManifest(head, apiVersion: "cert-manager.io/v1", kind: "Certificate") { json in
            json.member("spec") { spec in
                spec.member("secretName", secretName(of: head.name))
                // X.509 has room for 64 characters; clients read the names below.
                if let first = domains.first, first.utf8.count <= 64 { spec.member("commonName", first) }
                spec.member("dnsNames", array: domains)
                spec.member("issuerRef") { reference in
                    reference.member("name", issuer.name ?? "letsencrypt")
                    reference.member("kind", (issuer.kind ?? .clusterIssuer).rawValue)
                    reference.member("group", "cert-manager.io")
                }
            }
        }
    }

    private static func secret(_ chain: String, _ sealedKey: String, _ head: ObjectHead) -> ObjectManifest {
        ObjectManifest(head, apiVersion: "v1", kind: "Secret", name: secretName(of: head.name)) { json in
            json.member("type", "kubernetes.io/tls")
            json.member("data") { data in
                data.member("tls.crt", Data(chain.utf8).base64EncodedString())
                data.member("tls.key", sealedKey)
            }
        }
    }
}
