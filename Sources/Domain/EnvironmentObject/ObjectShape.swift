import Foundation
import WorkerRuntime

/// What stands in the cluster for an object: manifests, and a secret whose values are confidential.
struct ObjectShape: Sendable {
    /// A secret that the agent makes of values sealed for it.
    struct Secret: Sendable {
        let name: String
        let type: String
        /// The value of each key: what it is called among the confidential ones, or the text itself.
        let values: [String: Value]
    }

    /// Where a value of a secret comes from.
    enum Value: Sendable {
        case confidential(String)
        case text(String)
    }

    var manifests: [ObjectManifest] = []
    var secret: Secret?
    /// The label that pods of several instances need, for a network of these.
    var podMark: NetworkManifest.PodMark?
    /// A secret that others make because of it and leave there when it goes.
    var followingSecret: String?

    /// Builds it from the stored specification of a concept.
    ///
    /// - Parameter keys: The names of the confidential values.
    init(_ head: ObjectHead, spec: [UInt8], keys: [String]) throws {
        let data = Data(spec)
        let decoder = JSONDecoder()
        switch head.concept {
        case .network:
            let manifest = NetworkManifest(try decoder.decode(NetworkSpec.self, from: data), head: head)
            manifests = manifest.objects
            podMark = manifest.podMark
        case .domain:
            manifests = [DomainManifest.make(try decoder.decode(DomainSpec.self, from: data), head: head)]
        case .configMap:
            manifests = [ConfigMapManifest.make(try decoder.decode(ConfigMapSpec.self, from: data), head: head)]
        case .secret:
            let stored = try decoder.decode(StoredSecret.self, from: data)
            let values = keys.map { ($0, Value.confidential($0)) }
            secret = Secret(
                name: head.name,
                type: stored.type,
                values: Dictionary(values, uniquingKeysWith: { first, _ in first })
            )
        case .certificate:
            let stored = try decoder.decode(StoredCertificate.self, from: data)
            if let chain = stored.chain {
                secret = Secret(
                    name: CertificateManifest.secretName(of: head.name),
                    type: "kubernetes.io/tls",
                    values: ["tls.crt": .text(chain), "tls.key": .confidential(StoredCertificate.keyName)]
                )
            } else {
                manifests = [CertificateManifest.make(stored.order, head: head)]
                followingSecret = CertificateManifest.secretName(of: head.name)
            }
        }
    }

    /// What is in the cluster then, by name.
    var references: [ObjectReference] {
        manifests.map { ObjectReference(apiVersion: $0.id.apiVersion, kind: $0.id.kind, name: $0.id.name) }
            + [secret?.name, followingSecret].compactMap { name in
                name.map { ObjectReference(apiVersion: "v1", kind: "Secret", name: $0) }
            }
    }
}
