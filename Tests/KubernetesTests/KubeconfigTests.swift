import Foundation
import Testing

@testable import Kubernetes

/// Kubeconfig files are read as kubectl reads them, and what is wrong with one is said in a sentence.
@Suite struct KubeconfigTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "kubeconfig-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ name: String = "config") throws -> String {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        return "\(folder)/\(name)"
    }

    private func config(cluster: String = "server: https://k.example:6443/", user: String, context: String = "one")
        -> String
    {
        """
        apiVersion: v1
        kind: Config
        current-context: \(context)
        clusters: [{name: c, cluster: {\(cluster)}}]
        users: [{name: u, user: {\(user)}}]
        contexts:
        - {name: one, context: {cluster: c, user: u, namespace: shop}}
        - {name: lost, context: {cluster: other, user: u}}
        - {name: stranger, context: {cluster: c, user: nobody}}
        """
    }

    @Test func `a token, its cluster's authority and its namespace are found`() throws {
        let data = Data("ca".utf8).base64EncodedString()
        let path = try write(
            config(cluster: "server: https://k.example:6443/, certificate-authority-data: \(data)", user: "token: t")
        )
        let read = try KubernetesConfiguration.kubeconfig(path)
        #expect(read.server == "https://k.example:6443" && read.namespace == "shop" && read.isVerified)
        #expect(read.authority == Array("ca".utf8))
        guard case .token("t") = read.credential else {
            Issue.record("\(read.credential)")
            return
        }
        #expect(!"\(read)".contains("\"t\"") && !String(reflecting: read.credential).contains("\"t\""))
    }

    @Test func `files are relative to the one that names them`() throws {
        for name in ["crt", "key"] { _ = try write(name, name) }
        let path = try write(config(user: "client-certificate: crt, client-key: key"))
        guard case .certificate(let chain, let key) = try KubernetesConfiguration.kubeconfig(path).credential else {
            Issue.record("it is something else")
            return
        }
        #expect(chain == Array("crt".utf8) && key == Array("key".utf8))
        let file = try write(config(user: "tokenFile: token"), "other")
        guard case .tokenFile(folder + "/token") = try KubernetesConfiguration.kubeconfig(file).credential else {
            Issue.record("it is something else")
            return
        }
    }

    static let wrong: [(cluster: String, user: String, context: String, says: String)] = [
        ("server: https://k", "token: t", "none", "no context 'none'"),
        ("server: https://k", "token: t", "''", "no current-context"),
        ("server: https://k", "token: t", "lost", "no cluster 'other'"),
        ("server: https://k", "token: t", "stranger", "no user 'nobody'"),
        ("server: k.example", "token: t", "one", "no https:// address"),
        (
            "server: https://k, certificate-authority: none.crt", "token: t", "one",
            "'none.crt' as certificate-authority"
        ),
        ("server: https://k, certificate-authority-data: '%%%'", "token: t", "one", "is not base64"),
        ("server: https://k", "client-key-data: a2V5", "one", "a key without its certificate"),
        ("server: https://k", "username: u, password: hunter2", "one", "use a token"),
    ]

    @Test(arguments: wrong)
    func `what is wrong is said, and nothing secret with it`(
        cluster: String,
        user: String,
        context: String,
        says: String
    ) throws {
        let path = try write(config(cluster: cluster, user: user, context: context))
        let error = #expect(throws: KubernetesConfigurationError.self) { try KubernetesConfiguration.kubeconfig(path) }
        #expect(error?.sentence.contains(says) == true, "\(error?.sentence ?? "")")
        #expect(error?.sentence.contains("hunter2") == false)
    }

    @Test func `a file that is none is said to be none`() throws {
        #expect(throws: KubernetesConfigurationError.self) { try KubernetesConfiguration.kubeconfig("/nowhere") }
        let path = try write("- not a kubeconfig")
        #expect(throws: KubernetesConfigurationError.self) { try KubernetesConfiguration.kubeconfig(path) }
    }

    @Test func `a pod finds its service account, and a process outside of one is told so`() throws {
        for (name, text) in [("ca.crt", "ca"), ("token", "t"), ("namespace", "slipway\n")] { _ = try write(text, name) }
        let environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
        let read = try KubernetesConfiguration.inCluster(folder: folder, environment: environment)
        #expect(read.server == "https://10.0.0.1:443" && read.namespace == "slipway")
        let error = #expect(throws: KubernetesConfigurationError.self) {
            try KubernetesConfiguration.inCluster(folder: folder, environment: [:])
        }
        #expect(error?.sentence.contains("kubeconfig") == true)
    }
}
