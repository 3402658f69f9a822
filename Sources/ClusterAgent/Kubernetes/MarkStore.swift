import Domain
import Kubernetes

/// Writes the books of marks; one write of a book at a time, in the order of the changes.
actor MarkStore {
    private let client: KubernetesClient
    private let view: ClusterView
    private let cluster: String
    private let home: String

    private static let configMap = WatchedKind("v1", "ConfigMap")

    /// - Parameter home: The agent's own namespace, in which the books lie.
    init(_ client: KubernetesClient, _ view: ClusterView, cluster: String, home: String) {
        (self.client, self.view, self.cluster, self.home) = (client, view, cluster, home)
    }

    /// Reads every book; call it once, before anything is decided by marks.
    func load() async throws {
        let kind = try await client.requireKind("ConfigMap", "v1")
        var next: String?
        repeat {
            let page = try ObjectValue(
                answer: await client.list(kind, namespace: home, labels: "\(MarkBook.label)=\(cluster)", next: next)
            )
            for item in page["items"]?.elements ?? [] {
                guard let name = item.path("metadata", "name")?.string,
                    let namespace = MarkBook.namespace(ofConfigMap: name)
                else { continue }
                view.keep(MarkBook(data: item["data"] ?? .empty), of: namespace)
            }
            next = page.path("metadata", "continue")?.string
        } while next?.isEmpty == false
    }

    /// Keeps what a command made of its subject.
    func record(_ record: MarkRecord, of subject: CommandSubject) async throws(KubernetesError) {
        let uid = view.namespace(subject.namespace)?.uid
        var book = view.book(of: subject.namespace) ?? MarkBook(namespaceUID: uid ?? "")
        // Of a namespace that was made again only the namespace's own mark counts.
        if let uid, book.namespaceUID != uid {
            book.records = book.records.filter { $0.key == "namespace" }
            book.namespaceUID = uid
        }
        book.records[subject.markName] = record
        try await write(book, of: subject.namespace)
    }

    /// Keeps that a namespace was removed, and nothing else of it.
    func recordRemoval(_ record: MarkRecord, of namespace: String) async throws(KubernetesError) {
        var book = MarkBook(namespaceUID: "")
        book.records[CommandSubject.namespace(namespace).markName] = record
        try await write(book, of: namespace)
    }

    private func write(_ book: MarkBook, of namespace: String) async throws(KubernetesError) {
        let name = MarkBook.configMap(of: namespace)
        let object: ObjectValue = [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": .string(name), "namespace": .string(home),
                "labels": [MarkBook.label: .string(cluster), ObjectLabel.managedBy: "slipway"],
            ],
            "data": book.data,
        ]
        let kind = try await client.requireKind("ConfigMap", "v1")
        // The whole of it: what is not applied any more is removed.
        _ = try await client.apply(object.json, kind, namespace: home, name: name)
        view.keep(book, of: namespace)
    }
}
