import Postgres
import WorkerRuntime

/// `slipway.environment.connect.v1`: another cluster for an environment that holds nothing, because its namespace could
/// not be made or its cluster has no agent.
struct ConnectEnvironment: EnvironmentRequest {
    static let name = "environment.connect"

    let project: String
    let environment: String
    let cluster: String
    let namespace: String?

    var rows: RequestRows { RequestRows(clusters: [cluster], isWholeEnvironment: true) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.name(cluster, "cluster")
        if let namespace { try FieldRules.namespace(namespace) }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        let next = try place.state(after: .connect)
        let agent = try transaction.query("select state from cluster where cluster = $1", [.text(place.cluster)])
            .only().string(0)
        if place.state == .active, AgentState(rawValue: agent)?.isConnected ?? false {
            throw Reason(
                code: "cluster_connected",
                sentence: "The cluster '\(place.cluster)' of the environment '\(place.key)' has an agent, "
                    + "so the environment stays there.",
                field: "environment"
            )
        }
        try act.requireUsable(cluster: cluster, by: project, in: transaction)
        try EnvironmentContent.read(place.id, act, in: transaction).requireEmpty(place)
        try EnvironmentNamespace.requireNothingToRemove(in: place, transaction: transaction)
        let wanted = namespace ?? place.namespace
        try EnvironmentNamespace.requireFree(wanted, in: cluster, for: place.key, in: transaction)
        let why = Reason(code: "superseded", sentence: "The environment was connected to the cluster '\(cluster)'.")
        for open in try act.openCommands(in: place.id, transaction) {
            try act.end(open, by: .supersede, why, in: place, transaction: transaction)
        }
        let generation = try transaction.query(
            "select greatest($1, \(EnvironmentNamespace.nextRevision))",
            [.int64(place.revision + 1)]
        ).only().int64(0)
        try act.change(
            place.id,
            """
            state = $4, cluster = $5, namespace = $6, reason_code = null, reason = null,
                connected = (select c.state = 'connected' from cluster c where c.cluster = $5),
                -- An older worker does not say so.
                was_made = was_made or state = 'active'
            """,
            [.text(next.rawValue), .text(cluster), .text(wanted)],
            revision: generation,
            in: transaction
        )
        let command = try act.command(
            on: place.id,
            cluster: cluster,
            namespace: wanted,
            generation: generation,
            in: transaction
        )
        let post = try act.post(to: cluster, in: transaction)
        try act.accept(
            command,
            sending: post.namespaceRequested(command, namespace: wanted, now: act.now),
            in: transaction
        )
    }
}
