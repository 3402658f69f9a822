import Postgres
import TestSupport

/// What the database holds against what kubectl says.
extension KubernetesWorld {
    private static let kinds =
        "pods,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs,services,configmaps,secrets,ingresses,pvc"

    /// Waits until both hold the same objects in the same state: kind, name, uid and resource version of each.
    func waitUntilDatabaseIsAsCluster(within limit: Duration = .seconds(60)) throws {
        _ = try eventually("the database as the cluster", within: limit) {
            try objectsInDatabase() == objectsInCluster() ? true : nil
        }
    }

    private func objectsInDatabase() throws -> Set<String> {
        let rows = try world.database.query(
            """
            select concat_ws(' ', kind, name, uid, resource_version) from resource where not gone and namespace = $1
                and kind in ('Pod', 'Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob',
                    'Service', 'ConfigMap', 'Secret', 'Ingress', 'PersistentVolumeClaim')
            """,
            [.text(namespace)]
        )
        return Set(try rows.map { try $0.string(0) })
    }

    private func objectsInCluster() throws -> Set<String> {
        let path =
            "{range .items[*]}{.kind} {.metadata.name} {.metadata.uid} {.metadata.resourceVersion}{\"\\n\"}{end}"
        return Set(try value(Self.kinds, path).split(separator: "\n").map(String.init))
    }
}
