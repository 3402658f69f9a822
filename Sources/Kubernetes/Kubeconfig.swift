import Foundation
import Yams

/// A kubeconfig file, as `kubectl` reads it.
struct Kubeconfig: Decodable {
    struct Named<Content: Decodable>: Decodable {
        let name: String
        let content: Content?

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            name = try members.decode(String.self, forKey: Key(stringValue: "name"))
            let other = members.allKeys.first { $0.stringValue != "name" }
            content = try other.flatMap { try members.decodeIfPresent(Content.self, forKey: $0) }
        }
    }

    struct Cluster: Decodable {
        let server: String
        let certificateAuthority: String?
        let certificateAuthorityData: String?
        let insecureSkipTLSVerify: Bool?
        let tlsServerName: String?

        enum CodingKeys: String, CodingKey {
            case server
            case certificateAuthority = "certificate-authority"
            case certificateAuthorityData = "certificate-authority-data"
            case insecureSkipTLSVerify = "insecure-skip-tls-verify"
            case tlsServerName = "tls-server-name"
        }
    }

    struct User: Decodable {
        let token: String?
        let tokenFile: String?
        let clientCertificate: String?
        let clientCertificateData: String?
        let clientKey: String?
        let clientKeyData: String?
        let exec: Exec?
        let username: String?
        let authProvider: AuthProvider?

        struct AuthProvider: Decodable { let name: String? }

        enum CodingKeys: String, CodingKey {
            case token, tokenFile, exec, username
            case clientCertificate = "client-certificate"
            case clientCertificateData = "client-certificate-data"
            case clientKey = "client-key"
            case clientKeyData = "client-key-data"
            case authProvider = "auth-provider"
        }
    }

    struct Exec: Decodable {
        struct Variable: Decodable {
            let name: String
            let value: String
        }

        let apiVersion: String?
        let command: String
        let args: [String]?
        let env: [Variable]?
    }

    struct Context: Decodable {
        let cluster: String
        let user: String?
        let namespace: String?
    }

    let clusters: [Named<Cluster>]?
    let users: [Named<User>]?
    let contexts: [Named<Context>]?
    let currentContext: String?

    enum CodingKeys: String, CodingKey {
        case clusters, users, contexts
        case currentContext = "current-context"
    }
}

extension KubernetesConfiguration {
    /// Reads a kubeconfig file; files that it names are relative to it.
    ///
    /// - Parameter context: The context to take; its current one otherwise.
    public static func kubeconfig(
        _ path: String,
        context name: String? = nil
    ) throws(KubernetesConfigurationError) -> KubernetesConfiguration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw KubernetesConfigurationError("The kubeconfig file '\(path)' cannot be read.")
        }
        let file: Kubeconfig
        do {
            file = try YAMLDecoder().decode(Kubeconfig.self, from: String(decoding: data, as: UTF8.self))
        } catch {
            throw KubernetesConfigurationError(
                "The kubeconfig file '\(path)' is no YAML with clusters, users and contexts as kubectl writes it."
            )
        }
        return try KubeconfigReader(file: file, path: path).configuration(context: name)
    }
}

/// Finds what a context of a kubeconfig file leads to.
private struct KubeconfigReader {
    let file: Kubeconfig
    let path: String

    func configuration(context wanted: String?) throws(KubernetesConfigurationError) -> KubernetesConfiguration {
        guard let name = wanted ?? file.currentContext, !name.isEmpty else {
            throw error("has no current-context; name one")
        }
        guard let context = file.contexts?.first(where: { $0.name == name })?.content else {
            throw error("has no context '\(name)'")
        }
        guard let cluster = file.clusters?.first(where: { $0.name == context.cluster })?.content else {
            throw error("has no cluster '\(context.cluster)', which its context '\(name)' names")
        }
        guard cluster.server.hasPrefix("https://") || cluster.server.hasPrefix("http://") else {
            throw error("has no https:// address as server of the cluster '\(context.cluster)'")
        }
        var user: Kubeconfig.User?
        if let named = context.user, !named.isEmpty {
            guard let found = file.users?.first(where: { $0.name == named })?.content else {
                throw error("has no user '\(named)', which its context '\(name)' names")
            }
            user = found
        }
        return KubernetesConfiguration(
            server: cluster.server,
            authority: try bytes(
                cluster.certificateAuthorityData,
                cluster.certificateAuthority,
                "certificate-authority"
            ),
            isVerified: cluster.insecureSkipTLSVerify != true,
            serverName: cluster.tlsServerName,
            credential: try user.map(credential) ?? .none,
            namespace: context.namespace
        )
    }

    private func credential(of user: Kubeconfig.User) throws(KubernetesConfigurationError) -> KubernetesCredential {
        if let exec = user.exec {
            return .program(
                CredentialProgram(
                    command: exec.command.contains("/") ? resolved(exec.command) : exec.command,
                    arguments: exec.args ?? [],
                    environment: (exec.env ?? []).reduce(into: [:]) { $0[$1.name] = $1.value },
                    apiVersion: exec.apiVersion ?? "client.authentication.k8s.io/v1"
                )
            )
        }
        if let token = user.token, !token.isEmpty { return .token(token) }
        if let file = user.tokenFile { return .tokenFile(resolved(file)) }
        let chain = try bytes(user.clientCertificateData, user.clientCertificate, "client-certificate")
        let key = try bytes(user.clientKeyData, user.clientKey, "client-key")
        switch (chain, key) {
        case (let chain?, let key?): return .certificate(chain: chain, key: key)
        case (nil, nil): break
        default: throw error("has a client certificate without its key, or a key without its certificate")
        }
        if user.username != nil || user.authProvider != nil {
            throw error("has a user with a password or an auth-provider; use a token, a client certificate or exec")
        }
        return .none
    }

    private func bytes(
        _ data: String?,
        _ file: String?,
        _ field: String
    ) throws(KubernetesConfigurationError) -> [UInt8]? {
        if let data, !data.isEmpty {
            guard let decoded = Data(base64Encoded: data, options: .ignoreUnknownCharacters) else {
                throw error("has a \(field)-data that is not base64")
            }
            return Array(decoded)
        }
        guard let file, !file.isEmpty else { return nil }
        guard let content = FileManager.default.contents(atPath: resolved(file)) else {
            throw error("names '\(file)' as \(field), which cannot be read")
        }
        return Array(content)
    }

    private func resolved(_ file: String) -> String {
        file.hasPrefix("/")
            ? file : URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(file).path
    }

    private func error(_ what: String) -> KubernetesConfigurationError {
        KubernetesConfigurationError("The kubeconfig file '\(path)' \(what).")
    }
}
