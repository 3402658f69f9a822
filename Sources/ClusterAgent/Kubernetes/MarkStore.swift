import Domain
import Foundation
import Kubernetes

/// Reads and writes marks; of one subject one command is done at a time, so no two writes meet.
struct MarkStore: Sendable {
    let client: KubernetesClient
    let view: ClusterView
    let cluster: String
    /// The agent's own namespace.
    let home: String

    /// Reads every mark; call it once, before anything is decided.
    func load() async throws {
        let kind = try await client.requireKind("ConfigMap", "v1")
        var next: String?
        repeat {
            let page = try ObjectValue(
                answer: await client.list(kind, namespace: home, labels: "\(MarkRecord.label)=\(cluster)", next: next)
            )
            for record in (page["items"]?.elements ?? []).compactMap(MarkRecord.init(configMap:)) {
                view.keep(record)
            }
            next = page.path("metadata", "continue")?.string
        } while next?.isEmpty == false
    }

    /// Deletes the marks that protect nothing any more; call it when all namespaces are known.
    func dropForgotten() async throws {
        let kind = try await client.requireKind("ConfigMap", "v1")
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        for record in view.forgottenRecords(now: now) {
            try await client.delete(kind, namespace: home, name: record.configMap)
            view.drop(record)
        }
    }

    /// Keeps what a command made of its subject.
    func keep(_ record: MarkRecord) async throws {
        let kind = try await client.requireKind("ConfigMap", "v1")
        let manifest = try record.manifest(cluster: cluster, home: home)
        _ = try await client.apply(manifest.json, kind, namespace: home, name: record.configMap)
        view.keep(record)
    }
}
