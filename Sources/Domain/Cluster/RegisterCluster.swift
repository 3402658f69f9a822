import Postgres
import WorkerRuntime

/// `slipway.cluster.register.v1`: a name under which a cluster's agent may say hello.
struct RegisterCluster: RequestOperation {
    static let name = "cluster.register"
    static let access = Access.administrator

    let cluster: String
    let name: String?

    var place: RequestPlace { .cluster(cluster) }
    var subject: RequestSubject { RequestSubject("cluster", cluster) }

    func check() throws(Reason) {
        try FieldRules.name(cluster, "cluster")
        try FieldRules.text(name, "name")
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let made = try transaction.query(
            "insert into cluster (cluster, name, created_at) values ($1, $2, $3) on conflict do nothing",
            [.text(cluster), .text(name ?? cluster), .timestamp(act.now)]
        )
        guard made.affected == 1 else { throw Reason.exists("cluster", cluster) }
        try act.succeedAtOnce(in: transaction)
    }
}
