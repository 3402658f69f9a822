import Foundation

/// I7, of the clusters themselves: the objects that are there in the end are those of the database, to the letter.
enum ClusterRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        let stored = Dictionary(grouping: index.history.database.resources.filter { !$0.isGone }, by: \.cluster)
        return index.history.clusters.filter { !$0.isLost }.flatMap { compare($0, stored[$0.cluster] ?? []) }
    }

    private static func compare(_ cluster: KeptCluster, _ stored: [StoredResource]) -> [Violation] {
        var rows: [KeptCluster.ObjectName: StoredResource] = [:]
        for row in stored {
            rows[KeptCluster.ObjectName(kind: row.kind, namespace: row.namespace, name: row.name)] = row
        }
        let objects = cluster.objects
        var found: [Violation] = []
        func say(_ name: KeptCluster.ObjectName, _ says: String) {
            let place = "\(cluster.cluster)/\(name.namespace)/\(name.kind)/\(name.name)"
            found.append(Violation(.convergence, place, says))
        }
        for (name, shown) in objects {
            guard let row = rows[name] else {
                say(name, "it is in the cluster, and the database does not have it")
                continue
            }
            if let says = difference(of: row, to: shown) { say(name, says) }
        }
        for name in rows.keys where objects[name] == nil {
            say(name, "the database has it, and it is not in the cluster")
        }
        return found
    }

    /// What the database has otherwise; of a secret it keeps no more than whose it is.
    private static func difference(of row: StoredResource, to shown: String) -> String? {
        struct Object: Decodable {
            struct Metadata: Decodable {
                let uid: String
                let resourceVersion: String?
            }
            let metadata: Metadata
        }
        func read(_ text: String?) -> Object? {
            text.flatMap { try? JSONDecoder().decode(Object.self, from: Data($0.utf8)) }
        }
        guard let uid = read(shown)?.metadata.uid else { return "the cluster's file shows no object" }
        if row.uid != uid { return "the database has its life \(row.uid), the cluster \(uid)" }
        guard row.kind != "Secret", row.object != shown else { return nil }
        let versions = [row.object, shown].map { read($0)?.metadata.resourceVersion ?? "none" }
        return "the database has another content: version \(versions[0]), the cluster's is \(versions[1])"
    }
}
