import Foundation

/// Where the Kubernetes API is, and how a client shows who it is.
public struct KubernetesConfiguration: Sendable {
    /// The server's address, without a slash at its end.
    public var server: String
    /// The certificate authorities that the server's certificate is checked against, as PEM; the system's otherwise.
    public var authority: [UInt8]?
    /// Whether the server's certificate is checked.
    public var isVerified: Bool
    /// The name that the server's certificate should have, where it is not the address's.
    public var serverName: String?
    /// How the client shows who it is.
    public var credential: KubernetesCredential
    /// The namespace that the configuration names.
    public var namespace: String?

    /// Makes a configuration.
    public init(
        server: String,
        authority: [UInt8]? = nil,
        isVerified: Bool = true,
        serverName: String? = nil,
        credential: KubernetesCredential,
        namespace: String? = nil
    ) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.authority = authority
        self.isVerified = isVerified
        self.serverName = serverName
        self.credential = credential
        self.namespace = namespace
    }

    /// Where a pod finds its service account.
    public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The configuration of a pod's service account; its token is read again as it changes.
    ///
    /// - Throws: Where the process is in no pod that has one.
    public static func inCluster(
        folder: String = serviceAccountFolder,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(KubernetesConfigurationError) -> KubernetesConfiguration {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw KubernetesConfigurationError(
                "This process is in no cluster (KUBERNETES_SERVICE_HOST is not set); name a kubeconfig file instead."
            )
        }
        guard let authority = FileManager.default.contents(atPath: folder + "/ca.crt") else {
            throw KubernetesConfigurationError(
                "The file '\(folder)/ca.crt' cannot be read; the pod should have a service account with a token."
            )
        }
        let namespace = FileManager.default.contents(atPath: folder + "/namespace")
        return KubernetesConfiguration(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
            authority: Array(authority),
            credential: .tokenFile(folder + "/token"),
            namespace: namespace.map {
                String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            }
        )
    }
}

/// How a client shows the Kubernetes API who it is; never printed.
public enum KubernetesCredential: Sendable, CustomStringConvertible, CustomReflectable {
    /// It does not.
    case none
    /// A token that stays.
    case token(String)
    /// A file whose token is read again as it changes.
    case tokenFile(String)
    /// A client certificate with its chain, and its key, as PEM.
    case certificate(chain: [UInt8], key: [UInt8])
    /// A program that is asked, and asked again before its answer expires.
    case program(CredentialProgram)

    /// The kind, nothing of what it holds.
    public var description: String {
        switch self {
        case .none: "no credential"
        case .token: "a token"
        case .tokenFile: "a token file"
        case .certificate: "a client certificate"
        case .program: "a credential program"
        }
    }

    /// The kind, nothing of what it holds.
    public var customMirror: Mirror { Mirror(self, children: ["kind": description]) }
}

/// What is wrong with a configuration, for people.
public struct KubernetesConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence: where, what is wrong, what would be right.
    public let sentence: String

    /// Makes an error.
    public init(_ sentence: String) {
        self.sentence = sentence
    }

    /// The sentence.
    public var description: String { sentence }
}
