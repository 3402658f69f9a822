import Foundation
import Kubernetes
import Testing

/// A kubeconfig of a pod, for programs that know nothing else.
struct PodKubeconfigTests {
    @Test func `a pod's kubeconfig names the server and the file of the token, and holds no token`() throws {
        let configuration = KubernetesConfiguration(
            server: "https://10.0.0.1:443",
            authority: Array("pem".utf8),
            credential: .tokenFile("/var/run/token")
        )
        let content = try #require(configuration.podKubeconfig)
        let path = NSTemporaryDirectory() + "kubeconfig-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(content).write(to: URL(filePath: path))
        let read = try KubernetesConfiguration.kubeconfig(path)
        #expect(read.server == configuration.server && read.authority == configuration.authority)
        guard case .tokenFile("/var/run/token") = read.credential else {
            Issue.record("it should name the file")
            return
        }
    }

    @Test func `who is in no pod has none`() {
        #expect(KubernetesConfiguration(server: "https://a", credential: .token("t")).podKubeconfig == nil)
    }
}
