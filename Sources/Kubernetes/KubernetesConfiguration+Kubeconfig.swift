import Foundation

extension KubernetesConfiguration {
    /// A kubeconfig of a pod's service account, which names the file of its token and holds no secret.
    ///
    /// For programs that look at nothing but kubeconfigs once they are told as whom to act.
    ///
    /// - Returns: `nil` where the configuration is no pod's.
    public var podKubeconfig: [UInt8]? {
        guard case .tokenFile(let file) = credential else { return nil }
        var cluster = ["server": server]
        cluster["certificate-authority-data"] = authority.map { Data($0).base64EncodedString() }
        let content: [String: Any] = [
            "apiVersion": "v1", "kind": "Config", "current-context": "pod",
            "clusters": [["name": "pod", "cluster": cluster] as [String: Any]],
            "users": [["name": "pod", "user": ["tokenFile": file]] as [String: Any]],
            "contexts": [["name": "pod", "context": ["cluster": "pod", "user": "pod"]] as [String: Any]],
        ]
        let data = try? JSONSerialization.data(
            withJSONObject: content,
            options: [.sortedKeys, .withoutEscapingSlashes]
        )
        return data.map { Array($0) }
    }
}
